"""Makes the data folder that TANTAM_DATA names into one of the cast's company; run as a program of its own."""

from __future__ import annotations

from app import create_app
from app.core import clock, settings
from app.core.access import SYSTEM
from app.core.db import transaction
from app.customers.services import create_customer
from app.demo import people
from app.demo.outside import open_form
from app.processes import library
from app.security.queries import actor_of
from app.security.services import hash_password
from config import Config
from tests.cast import PASSWORD
from tests.e2e.product import LATE_DELIVERY

#: the customers of Lan that are there from the beginning; none of them is anybody's in Vận hành
CUSTOMERS = (("Đặng Thị Mỹ Duyên", "0903 118 201"), ("Nguyễn Phước Bảo Ân", "0903 118 202"), ("Ưng Hoàng Đức", None))


def found_company() -> None:
    app = create_app(Config())
    for command in (["db", "upgrade"], ["init"]):
        app.test_cli_runner().invoke(args=command, catch_exceptions=False)
    with app.app_context(), transaction(SYSTEM) as session:
        staff = people.hire(
            session,
            (*people.PEOPLE, *(one for one in people.COLLEAGUES if one.username == "dat")),
            password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1"),
        )
        session.flush()
        lan = actor_of(session, staff.members["lan"])
        library.install(session, LATE_DELIVERY, by=SYSTEM)
        for name, phone in CUSTOMERS:
            create_customer(session, by=lan, name=name, phone=phone)
        open_form(session, SYSTEM)
        settings.put(session, "demo_loaded_at", clock.now().isoformat(), by=SYSTEM)


if __name__ == "__main__":
    found_company()
