"""Makes the data folder that TANTAM_DATA names into a company with something on every screen.

Run as a program of its own, in two steps: `found` prints the link to the set-up page, `furnish` loads the company.
"""

from __future__ import annotations

import sys

from flask import Flask
from sqlalchemy import select

from app import create_app
from app.core import clock, exports
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.customers.segments import services as segments
from app.customers.services import archive_customer, create_customer
from app.demo.load import load_demo
from app.jobs import write_exports
from app.notifications.services import queue_mail
from app.processes import automatic, receivers
from app.processes.queries import process_by_code
from app.processes.services import start_instance
from app.security import queries as people
from app.security.services import create_member, hash_password, make_setup_link
from app.tasks.models import Task
from app.tasks.services import comment_task
from config import Config
from tests.cast import PASSWORD
from tests.e2e.product import LATE_DELIVERY

AUDITOR = "an"
#: sixty characters, and no place to break them
LONG = "Nguyễn" + "ễ" * 53 + "n"
FEW = {"customers": 28, "running": 8, "finished": 1}


def found(app: Flask) -> None:
    for command in (["db", "upgrade"], ["init"]):
        app.test_cli_runner().invoke(args=command, catch_exceptions=False)
    with app.app_context(), transaction(SYSTEM) as session:
        sys.stdout.write(f"/thiet-lap/{make_setup_link(session)}\n")


def furnish(app: Flask) -> None:
    password = hash_password(PASSWORD, "pbkdf2:sha256:1")
    with app.app_context():
        load_demo(app, **FEW)
        with transaction(SYSTEM) as session:
            create_member(
                session, username=AUDITOR, family_name="Mai", given_name="Văn An", email="an@phosen.example",
                password_hash=password, roles=["Auditor"], title="Kiểm toán", language="en", by=SYSTEM,
            )  # fmt: skip
        lan, hoa = (
            people.actor_of(db.session(), member)
            for username in ("lan", "hoa")
            if (member := people.member_by_username(db.session(), username))
        )
        with transaction(lan) as session:
            customer = create_customer(session, by=lan, name=LONG, phone="0903 118 299", email=f"{'a' * 56}@x.vn")
            process = process_by_code(session, LATE_DELIVERY)
            assert process is not None
            start_instance(session, process, by=lan, customer=customer)
            newest = session.scalars(select(Task).order_by(Task.id.desc()).limit(1)).one()
            comment_task(session, newest.id, f"https://{'a' * 90}.vn", by=lan)
        with transaction(hoa) as session:
            segments.create_segment(session, segments.Typed("Khách thân thiết", "tier = 'vip'"), by=hoa)
            archive_customer(session, create_customer(session, by=hoa, name="Ưng Hoàng Đức"), by=hoa)
            for address in ("lan@phosen.example", "không phải địa chỉ"):
                queue_mail(
                    session, to_address=address, template="task_overdue", values={}, language="vi", at=clock.now()
                )
            wanted = exports.Wanted("CustomerScreen", exports.Format.xlsx)
            exports.cancel(session, exports.ask(session, wanted, rows=9_000, by=hoa), by=hoa)
            exports.ask(session, wanted, rows=9_000, by=hoa)
            receivers.save(session, None, code="kho", name="Kho hàng", url="https://kho.example.vn", by=hoa)
            process = process_by_code(session, LATE_DELIVERY)
            drawn = automatic.drawn(session, process) if process is not None else None
            assert process is not None
            assert drawn is not None
            words = [{"receiver": "kho", "path": "/don-hang", "body": "order_code"}]
            automatic.add(session, process, drawn.places[1][0], name="Báo kho", kind="http", words=words, rev=0, by=hoa)
        write_exports()


if __name__ == "__main__":
    {"found": found, "furnish": furnish}[sys.argv[1]](create_app(Config()))
