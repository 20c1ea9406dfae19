"""Is every word on every screen translated, or something that people wrote? Told apart by the pseudo language."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app import create_app
from app.audit.cells import shortly
from app.catalogues.models import Catalogue, CatalogueEntry
from app.cli import prepare
from app.comments.models import Comment
from app.core import clock, exports, files
from app.core.access import SYSTEM, Actor
from app.core.accounts import Role
from app.core.audit import AuditEvent, AuditSeal, AuditSensitive
from app.core.db import Model, db, transaction
from app.core.exports import Export, Format, Wanted
from app.core.files import StoredFile
from app.core.i18n import LANGUAGES
from app.core.masking import Mask, masked
from app.core.models import SavedView
from app.core.remembered import forget_all
from app.core.settings import Setting
from app.customers import places
from app.customers.bulk import services as edits
from app.customers.bulk.models import BulkEditRow
from app.customers.models import ContactPoint, Customer, TimelineEntry
from app.customers.profile_models import ConsentEvent, CustomerStage, Interaction, Purchase, Tag
from app.customers.promise_models import Promise
from app.customers.segments.models import Segment
from app.customers.services import archive_customer, create_customer
from app.deadlines.models import Calendar, CalendarException
from app.demo.lives import LIVES
from app.demo.load import load_demo
from app.forms.models import Form, FormVersion, Submission
from app.forms.own_fields.models import CustomerAnswers
from app.forms.public.models import PublicEntry, PublicLink
from app.imports import services as imports
from app.imports.models import ImportJob, ImportRow, ImportTarget
from app.imports.rows import BETWEEN
from app.imports.services import Wishes
from app.jobs import run_imports, write_exports
from app.notifications.channels.settings import operators_settings
from app.notifications.models import Outbox
from app.notifications.services import queue_mail
from app.processes import receivers
from app.processes.engine.http import METHODS
from app.processes.models import Process, ProcessInstance, ProcessVersion, Receiver
from app.security import queries as people
from app.security.field_views import SAMPLE_BY_MASK, SAMPLES
from app.security.models import Member, RoleProfile, Team
from app.security.rules import PASSWORD_EXAMPLE
from app.security.services import create_member, hash_password, make_setup_link
from app.tasks.models import Task, TaskEvent
from config import TestConfig
from tests.cast import PASSWORD
from tests.conftest import forget_everything
from tests.i18n.pseudo import Data, every_sentence_wide
from tests.i18n.walk import TYPED, Walk

#: Staff, heads, administrators and auditors. Hoa, who sees most, walks through every page before she sends its forms.
WALKS = [
    ("lan", "vi"),
    *(pytest.param(*walk, marks=pytest.mark.slow) for walk in (("hoa", "vi"), ("tuan", "vi"), ("an", "en"))),
]
#: what lists are narrowed by, and what cannot be read
CONDITIONS = ("kind = 'company'", "created_at = this_week()", "owner.name = me() or owner.name empty")
WRONG = ("zzz", "zzz = 1", "kind = 'zzz'", "kind =", "created_at > 'zzz'")
#: pages to which nothing leads for some of them
DOORS = (
    "/", "/cong-viec/", "/cong-viec/bang/list/", "/cong-viec/bang/fields", "/ho-so/", "/ho-so/bang/list/",
    "/ho-so/bang/fields", "/ho-so/vuong", "/ho-so/bat-dau", "/khach-hang/list/", "/khach-hang/list/?archived=1",
    "/khach-hang/list/?q=zzzz", "/khach-hang/fields",
    *(f"/khach-hang/list/?where={where}" for where in CONDITIONS), "/khach-hang/add", "/khach-hang/preview/archive/2",
    "/khach-hang/show/1?ghi=viec", "/khach-hang/show/1?ghi=thu", "/khach-hang/show/1?ghi=tin-nhan",
    "/khach-hang/show/1?ghi=loi-hua", "/khach-hang/1/mua-hang/them", "/khach-hang/22/lien-lac/1",
    "/khach-hang/22/loi-hua/1",
    "/nghi-trung/", "/nghi-trung/?muc=khong-phai", "/nghi-trung/?muc=da-gop", "/nghi-trung/?muc=lan-tim",
    "/nghi-trung/1/2",
    "/tim/?q=an", "/tim/?q=zzzz", "/tim/goi-y?q=an", "/tim/goi-y?q=zzzz", "/tim/vua-mo", "/tim/khach-hang?q=an",
    "/tim/phuong-xa?q=ba", "/nhom-khach-hang/", "/nhom-khach-hang/?luu-tru=1", "/nhom-khach-hang/moi",
    "/khach-hang-bi-quen/", "/xep-nhom/",
    "/trao-doi/customer/1", "/trao-doi/customer/1/nguoi?q=minh", "/trao-doi/1", "/thong-bao/", "/xuat/", "/thu-di/",
    "/tin-bao/", "/tin-bao/?muc=giu", "/tin-bao/?muc=da-nhan", "/noi-nhan/", "/noi-nhan/1",
    "/phien-ban/giao-hang-cham/",
    "/tu-dong/giao-hang-cham/", *(f"/tu-dong/giao-hang-cham/moi/{kind}" for kind in ("http", "mail", "set")),
    "/danh-muc/", "/muc-danh-muc/list/", "/cai-dat/", "/quy-trinh/list/", "/bieu-mau/list/",
    "/bieu-mau/moi", "/bieu-mau/nhap", "/bieu-mau/goi-lai/sao-chep", "/bieu-mau/goi-lai/truong/reached",
    "/bieu-mau/phan-anh-giao-cham/ve", "/bieu-mau/phan-anh-giao-cham/ve/xem", "/dien-phieu/",
    "/phieu/list/", "/phieu/fields", "/bieu-mau/goi-lai/phieu/list/", "/bieu-mau/goi-lai/phieu/fields",
    "/bieu-mau/goi-lai/phieu/bieu-do",
    "/dien-phieu/goi-lai", "/bieu-mau/gop-y-cua-khach/cong-khai", "/bieu-mau/show/5?tab=cong-khai",
    "/phieu-ngoai/list/", "/phieu-ngoai/show/1?tab=tra-loi", "/phieu-ngoai/1/nhan", "/phieu-ngoai/fields",
    "/nhan-su/list/",
    "/nhan-su/ngung/1", "/khach-hang/sua-hang-loat/", "/khach-hang/sua-hang-loat/1",
    "/khach-hang/sua-hang-loat/2", "/khach-hang/sua-hang-loat/2?xem=1",
    "/nhap/", "/nhap/moi", "/nhap/1", "/nhap/1?sua=1", "/nhap/2",
    "/nhan-su/mat-khau-dau/1", "/nhan-su/nhap/", "/bo-phan/so-do", "/bo-phan/add",
    "/bo-phan/edit/1", "/bo-phan/show/1",
    "/nhan-su/fields", "/vai-tro/list/", "/quyen-hieu-luc/", "/quyen-hieu-luc/?nguoi=1&ban-ghi=customer:1",
    "/quyen-hieu-luc/ban-ghi?loai=customer&q=an", "/bo-phan/list/", "/tai-khoan/", "/chia-se/", "/chia-se/customer/1",
    "/nhat-ky/list/", "/nhat-ky/fields", "/nhat-ky/xoa/customer/1", "/nhat-ky/list/?view=0&where=what = 'change'",
    "/nhat-ky/list/?view=0&where=kind in ('ab_role', 'ab_user', 'setting', 'process_instance', 'calendar_interval')",
)  # fmt: skip
#: refused, each in its own way
CLOSED = (
    "/khach-hang/list/?zzz=1", "/khach-hang/list/?order=zzz", "/khach-hang/list/?page=0", "/khach-hang/show/0",
    "/khach-hang/list/?archived=7", "/khach-hang/list/?columns=zzz", "/khach-hang/list/?view=999999",
    *(f"/khach-hang/list/?where={where}" for where in WRONG), "/khong-co", "/nhan-su/list/?q=%00", "/cong-viec/abc",
    "/ho-so/bat-dau/khong-co", "/xuat/999999", "/danh-muc/khong-co", "/danh-muc/muc/999999", "/trao-doi/zzz/1",
)  # fmt: skip

#: how the browser of the tests calls itself
BROWSER = "Werkzeug"
#: the code that an entry of a catalogue gets from what was typed
CODED = "thu-xem-sao"
#: parts of these addresses, which a refusal names
ASKED = ("zzz", "page", "q", "archived", "order", "columns", "view", "where", *CONDITIONS, *WRONG,
         "kind = 'person'", "Thử")  # fmt: skip


def company_of(folder: Path) -> Flask:
    app = create_app(TestConfig(folder))
    with app.app_context():
        Model.metadata.create_all(db.engine)
        forget_all()
        prepare()
    return app


def bring_files(by: Actor) -> None:
    """One that was looked through, and one that was written."""
    sheet = "Họ tên,Điện thoại,Ngày sinh\nĐỗ Thị Nhập,0909555111,\nLê Văn Sai,0909555112,31/02/1990\n"
    for _number in range(2):
        received = files.receive(BytesIO(sheet.encode()), "khách hội chợ.csv", as_sheet=True)
        with transaction(by) as session:
            head = imports.read(received)
            job = imports.bring(session, received, ImportTarget.customers, head=head, by=by)
            imports.check(session, job, Wishes(job.mapping), by=by)
            number = job.id
        run_imports()
    with transaction(by) as session:
        imports.apply(session, session.get_one(ImportJob, number), by=by)
    run_imports()


def edit_many(by: Actor) -> None:
    """One bulk edit that was done and refused for one customer, and one whose numbers are told."""
    with transaction(by) as session:
        ids = session.scalars(select(Customer.id).where(Customer.archived_at.is_(None)).limit(3)).all()
        gone = session.scalars(select(Customer.id).where(Customer.archived_at.is_not(None)).limit(1)).all()
        everything = {"tier": "vip", "stage": "loyal", "risk_reason": "Chậm trả tiền", "tags_add": ["Tết"]}
        for typed in (everything, {"owner": by.user_id, "do_not_contact": False, "next_contact_on": None}):
            job = edits.choose(session, [*ids, *gone], by=by)
            edits.say(session, job, typed, by=by)
            if typed is everything:
                edits.apply(session, job, by=by)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demo company, small, with an auditor, an archived customer, and mails on their way and dead."""
    app = company_of(tmp_path_factory.mktemp("company"))
    with app.app_context():
        load_demo(app, customers=30, running=8, finished=3)
        with transaction(SYSTEM) as session:
            create_member(
                session, username="an", family_name="Mai", given_name="Văn An", email="an@phosen.example",
                password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1"), roles=["Auditor"], title="Kiểm toán",
                by=SYSTEM,
            )  # fmt: skip
        hoa = people.actor_of(db.session(), people.member_by_username(db.session(), "hoa"))
        with transaction(hoa) as session:
            archive_customer(session, create_customer(session, by=hoa, name="Ưng Hoàng Đức"), by=hoa)
            receivers.save(session, None, code="kho", name="Kho hàng", url="https://kho.example.vn", by=hoa)
            for address in ("lan@phosen.example", "không phải địa chỉ"):
                queue_mail(
                    session, to_address=address, template="task_overdue", values={}, language="vi", at=clock.now()
                )
            for arguments in ((), (("where", "zzz"),)):
                exports.ask(session, Wanted("CustomerScreen", Format.csv, arguments), rows=9_000, by=hoa)
        write_exports()
        bring_files(hoa)
        edit_many(hoa)
        with transaction(hoa) as session:
            exports.cancel(session, exports.ask(session, Wanted("TaskScreen", Format.xlsx), rows=9_000, by=hoa), by=hoa)
            exports.ask(session, Wanted("InstanceScreen", Format.xlsx), rows=9_000, by=hoa)
            staff = session.scalars(select(Role.id).where(Role.name == "Staff")).one()
        db.session.remove()
    keep_words(browser_of(app, "hoa", "en"), staff)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    forget_all()


MENTIONING = "Nhờ @minh xem giúp phản ánh này"


def keep_words(browser: FlaskClient, staff: int) -> None:
    """A comment that names a colleague and one that is put away; views for all staff, one with a column for few."""
    for text in (MENTIONING, "Viết nhầm chỗ"):
        written = browser.post("/trao-doi/customer/1", data={"text": text})
        assert written.status_code == 302
    number = re.sub("[^0-9]", "", urlsplit(written.location).fragment)
    assert browser.post(f"/trao-doi/{number}/luu-tru").status_code == 302
    for number, (address, query) in enumerate(
        (("/khach-hang", "?where=kind = 'company'&columns=name,code"), ("/nhan-su", "?columns=name,roles")), start=1
    ):
        assert browser.post(f"{address}/views", data={"name": "Xem nhanh", "query": query}).status_code == 302
        shared = browser.post(f"{address}/views/{number}", data={"verb": "share", "role": staff, "rev": 1})
        assert shared.status_code == 302


def data_of(app: Flask) -> Data:
    """What people wrote: names, titles, notes, answers. No state, no kind, no name of a column."""
    known = Data()
    known.add(
        [
            *TYPED.values(),
            *LANGUAGES.values(),
            *ASKED,
            PASSWORD_EXAMPLE,
            BROWSER,
            CODED,
            "XLSX",
            "CSV",
            "PDF",
            "PNG",
            "v1",
            "SVG",
            *METHODS,
        ]
    )
    known.add(one.name for one in (*places.provinces(), *places.search("ba", 200)))
    known.add([operators_settings().sender_address])
    known.add(told.name for life in LIVES.values() if (told := places.place(life.ward)) is not None)
    known.add(name.split()[-1] for name in LIVES)
    for sample in [*SAMPLE_BY_MASK.values(), *map(str, SAMPLES.values())]:
        known.add([sample, *(str(masked(mask, sample)) for mask in Mask)])
    known.add(["name contains 'Hà Nội'"])  # an example of the condition language, made of a list's own field
    with app.app_context():
        for column in (
            Catalogue.label_vi, Catalogue.label_en, Catalogue.purpose_vi, Catalogue.purpose_en, CatalogueEntry.label_vi,
            CatalogueEntry.label_en, CatalogueEntry.code,
            Customer.name, Customer.code, Customer.source, Customer.note, ContactPoint.shown, ContactPoint.value,
            Customer.job_title, Customer.tax_code, Customer.id_number, Customer.street, Customer.ward_code,
            Customer.province_code, Customer.old_address, Customer.risk_reason, Customer.do_not_contact_reason,
            ConsentEvent.proof, ConsentEvent.text_version, CustomerStage.reason, Interaction.text, Purchase.code,
            Purchase.product, Purchase.note, PublicEntry.campaign, PublicEntry.medium, PublicLink.thanks,
            PublicLink.key, Promise.text, Tag.name, Tag.key,
            Member.name, Member.title, RoleProfile.label_vi, RoleProfile.label_en, Team.name, Team.code,
            Calendar.name, Calendar.time_zone, CalendarException.note, Form.name,
            Form.code, Process.name, Process.code, Receiver.name, Receiver.code, Receiver.url,
            ProcessInstance.code, Task.name, Task.context, Task.note,
            Export.name, Export.last_error, SavedView.name, Segment.name, Segment.purpose,
            StoredFile.name, Setting.value, Outbox.to_address,
            Outbox.from_address, Outbox.subject, Outbox.body_text, Outbox.message_id, AuditSensitive.old,
        ):  # fmt: skip
            known.add(value for value in db.session.scalars(select(column).distinct()) if isinstance(value, str))
        # A copy has the code of the other form with a number.
        known.add(f"{code}-{number}" for code in db.session.scalars(select(Form.code)) for number in (2, 3))
        for old, new in db.session.execute(select(AuditSensitive.old, AuditSensitive.new)):
            known.add(shortly(value) for value in (old, new) if isinstance(value, str))
        for text in db.session.scalars(select(Comment.text)):
            known.add(re.split(r"@[\w.]+", text))
        for member in db.session.scalars(select(Member)):
            known.add([member.user.username, member.user.email, *(" ".join(member.name.split()[-n:]) for n in (1, 2))])
            known.add([member.family_name, member.given_name, member.signature or member.name])
        for definition in db.session.scalars(select(FormVersion.definition)):
            known.add(_words(definition))
        for drawing in db.session.scalars(select(ProcessVersion.bpmn)):
            known.add(re.findall(r'name="([^"]+)"', drawing))
        entries = [
            *db.session.scalars(select(PublicEntry.answers)),
            *db.session.scalars(select(CustomerAnswers.answers)),
        ]
        for answers in (
            *entries,
            *db.session.scalars(select(Submission.answers)),
            *db.session.scalars(select(Task.draft)),
        ):
            known.add(
                value
                for value in (answers or {}).values()
                if isinstance(value, str) and not re.fullmatch("[a-z_-]*", value)
            )
        known.add(db.session.scalars(select(AuditSeal.hash)))
        known.add(one for told in db.session.scalars(select(BulkEditRow.reasons)) for one in told)
        for changes in db.session.scalars(select(AuditEvent.changes)):
            known.add(_written(changes))
            known.add(map(shortly, _written(changes)))
        for told in (*db.session.scalars(select(TimelineEntry.data)), *db.session.scalars(select(TaskEvent.data))):
            known.add(told[key] for key in ("task", "process", "code", "context", "form", "reason") if told.get(key))
        for listed in db.session.execute(select(ImportJob.headings, ImportJob.samples)):
            known.add(listed.headings)
            known.add(" · ".join(cells) for cells in listed.samples)
        for row in db.session.execute(select(ImportRow.label, ImportRow.reasons)):
            known.add([*row.label.partition(BETWEEN), *row.reasons])  # the page shows them apart
        known.add(db.session.scalars(select(ImportJob.file_name)))
        lives_at = db.session.execute(select(Customer.street, Customer.ward_code, Customer.province_code))
        known.add(places.address_line(*row) for row in lives_at)
        db.session.remove()
    return known


def _written(changes: Any) -> Iterator[str]:
    """Old and new values of the log that are more than a code of ours."""
    for pair in changes.values():
        for one in pair if isinstance(pair, list) else [pair]:
            if isinstance(one, str) and not re.fullmatch("[a-z_.-]*|hmac:.*", one):
                yield one


def _words(definition: Any, key: str = "") -> Iterator[str]:
    """The labels and help texts of a form, in every language."""
    if isinstance(definition, dict):
        for name, inner in definition.items():
            yield from _words(inner, key if name in ("vi", "en") else name)
    elif isinstance(definition, list):
        for inner in definition:
            yield from _words(inner, key)
    elif isinstance(definition, str) and key in ("name", "label", "help"):
        yield definition


def browser_of(app: Flask, username: str, language: str) -> FlaskClient:
    with app.app_context():
        db.session.execute(update(Member).values(language=language, rights_version=Member.rights_version + 1))
        db.session.commit()
        db.session.remove()
    forget_all()
    browser = app.test_client()
    assert browser.post("/login/", data={"username": username, "password": PASSWORD}).status_code == 302
    return browser


def nothing_left(found: dict[str, list[str]]) -> None:
    """Fails with each untranslated thing once, and the first page on which it stood."""
    first: dict[str, str] = {}
    for page, problems in found.items():
        for problem in problems:
            first.setdefault(problem, page)
    assert not first, "\n".join(f"{problem}    ({page[:150]})" for problem, page in first.items())


@pytest.mark.parametrize(("username", "language"), WALKS)
def test_every_page_speaks_its_reader_s_language_alone(company: Flask, username: str, language: str) -> None:
    browser, walk_data = browser_of(company, username, language), data_of(company)
    with every_sentence_wide():
        walk = Walk(browser, walk_data, language)
        walk.open(*DOORS, *CLOSED)
    assert walk.seen["/"] == 200
    nothing_left(walk.found)


@pytest.fixture
def afterwards_as_before(company: Flask, tmp_path: Path) -> Iterator[None]:
    """Whatever is sent, the tests that follow find the company as it was."""
    with company.app_context():
        file, kept = Path(db.engine.url.database or ""), tmp_path / "kept.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", [str(kept)])
    yield
    with company.app_context():
        db.session.remove()
        db.engine.dispose()
    for leftover in ("", "-wal", "-shm"):
        file.with_name(file.name + leftover).unlink(missing_ok=True)
    shutil.copy(kept, file)
    forget_everything()


@pytest.mark.parametrize("username", ["hoa", *(pytest.param(one, marks=pytest.mark.slow) for one in ("lan", "minh"))])
@pytest.mark.usefixtures("afterwards_as_before")
def test_every_page_and_every_form_that_is_sent_answers_in_its_reader_s_language(company: Flask, username: str) -> None:
    """Every page, and its forms: empty ones, wrong ones, and as they stand: refusals, flashes, conflicts."""
    browser = browser_of(company, username, "en")
    with every_sentence_wide():
        walk = Walk(browser, data_of(company), "en")
        walk.open(*DOORS, *CLOSED)
        nothing_left(walk.found)
        walk.send_every_form()
    nothing_left(walk.found)


@pytest.fixture
def walk(company: Flask) -> Iterator[Walk]:
    """Hoa, who reads English; every sentence is wide."""
    browser, known = browser_of(company, "hoa", "en"), data_of(company)
    with every_sentence_wide():
        yield Walk(browser, known, "en")


def customer_id(company: Flask) -> int:
    with company.app_context():
        found = db.session.scalars(
            select(Customer.id).where(Customer.archived_at.is_(None)).order_by(Customer.id)
        ).first()
        db.session.remove()
    assert found is not None
    return found


def test_a_conflict_speaks_its_reader_s_language(company: Flask, walk: Walk) -> None:
    address = f"/khach-hang/edit/{customer_id(company)}"
    page = BeautifulSoup(walk.browser.get(address).text, "lxml")
    form = next(form for form in page.select("form") if form.select_one("[name=rev]"))
    boxes = 'input[name]:not([type="checkbox"]), input[type="checkbox"][checked]'
    typed = {str(one["name"]): str(one.get("value", "")) for one in form.select(boxes)} | {"kind": "person"}
    assert walk.browser.post(address, data=typed | {"note": TYPED["other"]}).status_code == 302
    answer = walk.browser.post(address, data=typed | {"note": TYPED["nowhere"]})
    assert answer.status_code == 409
    walk.read(answer, "conflict")
    nothing_left(walk.found)


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        ("/danh-muc/muc/1", {"label_vi": TYPED["other"], "colour": "grey"}),
        ("/khach-hang/views/1", {"verb": "rename", "name": TYPED["other"]}),
    ],
)
def test_what_somebody_else_changed_meanwhile_is_told_in_the_reader_s_language(
    walk: Walk, address: str, typed: dict[str, str]
) -> None:
    answer = walk.browser.post(address, data={**typed, "rev": "99"})
    assert answer.status_code == 409
    walk.read(answer, address)
    nothing_left(walk.found)


def test_a_comment_changed_meanwhile_is_told_of_in_the_reader_s_language(company: Flask, walk: Walk) -> None:
    with company.app_context():
        number = db.session.scalars(select(Comment.id).where(Comment.text == MENTIONING)).one()
        db.session.remove()
    answer = walk.browser.post(f"/trao-doi/{number}/sua", data={"text": TYPED["other"], "rev": "99"})
    assert answer.status_code == 409
    walk.read(answer, "comment")
    nothing_left(walk.found)


def test_what_is_told_to_scripts_speaks_the_reader_s_language(company: Flask, walk: Walk) -> None:
    """A typed condition as it is read, and what an action will do."""
    for where in (*CONDITIONS, *WRONG):
        walk.read(walk.browser.post("/khach-hang/condition", data={"where": where}), where)
    typed = {"action": "archive", "rowid": str(customer_id(company))}
    preview = walk.browser.post("/khach-hang/preview_post", data=typed, headers={"Accept": "application/json"})
    assert preview.json is not None
    assert preview.json["told"]
    walk.read(preview, "preview")
    nothing_left(walk.found)


def test_refusals_of_the_frame_speak_the_reader_s_language(
    company: Flask, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page too many, too large, of no right, too late: 403, 405, 413, 400."""
    lan = browser_of(company, "lan", "en")
    monkeypatch.setitem(company.config, "MAX_FORM_MEMORY_SIZE", 1000)
    answers = {
        403: lan.get("/thu-di/"),
        404: lan.get("/khong-co"),
        405: lan.get("/logout/"),
        413: lan.post("/khach-hang/add", data={"name": "x" * 2000}),
    }
    monkeypatch.undo()
    monkeypatch.setitem(company.config, "WTF_CSRF_ENABLED", True)
    stale = {"csrf_token": "từ hôm qua", "name": TYPED["name"]}
    answers[400] = lan.post("/khach-hang/add", data=stale, headers={"Sec-Fetch-Site": "same-origin"})
    for status, answer in answers.items():
        assert answer.status_code == status, answer.text
        walk.read(answer, str(status))
    nothing_left(walk.found)


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("a bug"), 500), (OperationalError("", None, Exception()), 503)]
)
def test_failures_speak_the_reader_s_language(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_arguments: Any, **_named: Any) -> None:
        raise error

    monkeypatch.setattr("app.tasks.home.show", fail)
    monkeypatch.setattr("app.core.edge.secrets.token_hex", lambda _length: "12345678")
    answer = walk.browser.get("/")
    assert answer.status_code == status
    walk.read(answer, str(status))
    nothing_left(walk.found)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_doors_speak_the_language_that_is_asked_for(tmp_path: Path, language: str) -> None:
    """Signing in, wrong passwords until there are too many, and the set-up page of a new company."""
    app = company_of(tmp_path)
    with app.app_context():
        with transaction(SYSTEM) as session:
            token = make_setup_link(session)
        db.session.remove()
    asks = f"?lang={language}"
    with every_sentence_wide():
        walk = Walk(app.test_client(), Data(), language)
        walk.data.add([*LANGUAGES.values(), PASSWORD_EXAMPLE, "hoa.nguyen", "hoa@congty.vn"])
        for address in ("/login/", f"/thiet-lap/{token}", "/thiet-lap/khong-co", "/khong-co"):
            walk.read(walk.browser.get(address + asks), address)
        for typed in (
            {},
            {"username": "hoa.nguyen"},
            {"username": "hoa.nguyen", "password": "x", "password_again": "y"},
        ):
            walk.read(walk.browser.post(f"/thiet-lap/{token}{asks}", data=typed), f"set up {typed}")
        seen = set()
        for _try in range(30):
            answer = walk.browser.post(f"/login/{asks}", data={"username": "hoa.nguyen", "password": "x"})
            seen.add(answer.status_code)
            walk.read(answer, f"sign in → {answer.status_code}")
            if answer.status_code == 429:
                break
    assert {401, 429} <= seen
    nothing_left(walk.found)
