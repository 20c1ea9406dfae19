"""A list leaves as a file with what its asker may see, whole or not at all, and never untold."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from app import create_app
from app.core import clock, exports
from app.core.access import Actor, Scope
from app.core.accounts import Permission, PermissionView, ViewMenu
from app.core.audit import AuditEvent, is_fingerprint
from app.core.conditions.fields import Kind
from app.core.db import db, transaction
from app.core.errors import BadRequestError, ConflictError, NotAllowedError, NotFoundError
from app.core.exports import Export, ExportState, Format, Opened, Wanted
from app.core.exports.writing import BATCH
from app.core.history import values_of
from app.core.i18n import in_language
from app.core.sheets import Header
from app.customers.models import Customer, CustomerKind
from app.jobs import forget, write_exports
from app.notifications.models import Notification
from app.notifications.rules import bell_text
from app.security import leaving
from app.security import services as security
from app.security.models import Member, RoleScope
from app.security.queries import role_by_code
from config import TestConfig
from tests.cast import Cast
from tests.forked import ended, forked

LIST = "CustomerScreen"
ALL = Wanted(LIST, Format.xlsx)


@pytest.fixture(autouse=True)
def nothing_left(session: Session) -> None:
    """The folder outlives the database of a test."""
    for name in left():
        (exports.folder() / name).unlink()


@pytest.fixture
def customers(session: Session, cast: Cast) -> Callable[..., None]:
    """customers(3, of="cskh"): so many customers of that team, with amounts of zeros before their numbers."""

    def make(count: int, *, of: str = "cskh", name: str = "Khách") -> None:
        team = cast.team(of).id
        rows = [
            {
                "code": f"{of}-{number:06}", "kind": CustomerKind.person, "name": f"{name} {number:06}",
                "sort_key": f"{number:06}", "search_text": f"{name} {number}".lower(), "team_id": team,
                "source": "zalo" if number % 2 else None, "rev": 1,
            }
            for number in range(1, count + 1)
        ]  # fmt: skip
        with transaction() as inside:
            inside.execute(insert(Customer), rows)

    return make


def asked(wanted: Wanted, by: Actor, *, rows: int = 10) -> int:
    with transaction(by) as session:
        return exports.ask(session, wanted, rows=rows, by=by).id


def export(number: int) -> Export:
    db.session.rollback()
    return db.session.get_one(Export, number)


def cells(number: int, by: Actor) -> list[list[Any]]:
    """What stands below the header of the file."""
    return rows_in(io.BytesIO(exports.file_of(export(number), by=by).read_bytes()))


def written_at_once(wanted: Wanted, by: Actor) -> list[list[Any]]:
    file = io.BytesIO()
    exports.write_at_once(file, exports.open_list(db.session(), by, wanted), wanted, by=by)
    return rows_in(file)


def rows_in(file: io.BytesIO) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in load_workbook(file).worksheets[0].iter_rows(min_row=2)]


def told(by: Actor) -> list[str]:
    """The lines of his bell."""
    rows = db.session.scalars(select(Notification).where(Notification.user_id == by.user_id).order_by(Notification.id))
    with in_language("en"):
        return [str(bell_text(line)) for line in rows]


def events() -> Sequence[AuditEvent]:
    return db.session.scalars(select(AuditEvent).where(AuditEvent.name == "export").order_by(AuditEvent.id)).all()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are executed inside."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def left() -> set[str]:
    """The names of the files in the folder."""
    return set(os.listdir(exports.folder()))


# ── what is in it ──
@pytest.mark.both_databases
def test_the_worker_writes_what_its_asker_may_see_and_nothing_else(cast, customers):
    customers(3, of="cskh")
    customers(2, of="van-hanh")
    number = asked(ALL, cast.minh)
    write_exports()
    assert export(number).state is ExportState.done
    assert {row[1] for row in cells(number, cast.minh)} == {"cskh-000001", "cskh-000002", "cskh-000003"}
    assert len(written_at_once(ALL, cast.hoa)) == 5


@pytest.mark.both_databases
def test_what_is_filtered_ordered_and_shown_is_what_is_written(cast, customers):
    customers(5)
    wanted = Wanted(LIST, Format.xlsx, (("where", "source = 'zalo'"), ("order", "name"), ("columns", "code,name")))
    assert written_at_once(wanted, cast.minh) == [
        [f"cskh-{number:06}", f"Khách {number:06}"] for number in (1, 3, 5)
    ]  # fmt: skip


def test_chosen_rows_alone_are_written_and_others_only_if_he_may_see_them(cast, customers):
    customers(2, of="cskh")
    customers(2, of="van-hanh")
    ids = tuple(db.session.scalars(select(Customer.id).where(Customer.code.in_(["cskh-000002", "van-hanh-000001"]))))
    wanted = Wanted(LIST, Format.xlsx, (("columns", "code"),), ids=ids)
    assert written_at_once(wanted, cast.minh) == [["cskh-000002"]]


def test_a_narrower_reach_to_export_than_to_view_counts(session, cast, customers):
    customers(2)
    with transaction() as inside:
        role = role_by_code(inside, "Manager")
        row = inside.scalars(
            select(RoleScope).where(
                RoleScope.role_id == role.id, RoleScope.resource == "Customer", RoleScope.action == "export"
            )
        ).one()
        row.scope = Scope.own
        inside.flush()
        security.rights_changed(inside, [cast.minh.user_id or 0])
    assert written_at_once(ALL, cast.minh) == []


def test_what_he_may_not_read_of_a_row_is_not_in_his_file_either(session, cast):
    with transaction() as inside:
        role = role_by_code(inside, "Manager")
        may_export = inside.scalars(
            select(PermissionView).join(PermissionView.permission).join(PermissionView.view_menu)
            .where(Permission.name == "can_export", ViewMenu.name == "Member")
        ).one()  # fmt: skip
        role.permissions.append(may_export)
        inside.add(RoleScope(role_id=role.id, resource="Member", action="export", scope=Scope.all))
        inside.flush()
        security.rights_changed(inside, [cast.minh.user_id or 0])
    every = Wanted("MemberScreen", Format.xlsx, all_columns=True)
    for who, is_told in ((cast.hoa, True), (cast.minh, False)):
        rows = written_at_once(every, who)
        assert len(rows) == 5
        assert ("Manager" in str(rows) or "Quản lý" in str(rows)) is is_told


def test_all_columns_are_those_that_the_list_offers(cast, customers):
    customers(1)
    shown = exports.open_list(db.session(), cast.minh, ALL)
    every = exports.open_list(db.session(), cast.minh, Wanted(LIST, Format.xlsx, all_columns=True))
    assert len(every.headers) > len(shown.headers)
    assert [str(one.label) for one in every.headers][: len(shown.headers)] == [str(one.label) for one in shown.headers]


@pytest.mark.parametrize(
    "arguments",
    [(("where", "password = 'x'"),), (("order", "created_by.password"),), (("columns", "password"),),
     (("zzz", "1"),), (("where", "name = ("),), (("where", '{"op": 7}'),), (("q", "a\0b"),)],
)  # fmt: skip
def test_arguments_that_the_list_does_not_know_are_refused(cast, arguments):
    with pytest.raises(BadRequestError):
        exports.open_list(db.session(), cast.hoa, Wanted(LIST, Format.xlsx, arguments))


def test_a_list_that_nobody_registered_is_not_there(cast):
    with pytest.raises(NotFoundError):
        exports.open_list(db.session(), cast.hoa, Wanted("Nothing", Format.xlsx))


def test_without_the_right_nothing_is_opened_and_nothing_asked_for(cast):
    with pytest.raises(NotAllowedError):
        exports.open_list(db.session(), cast.lan, ALL)
    with pytest.raises(NotAllowedError):
        asked(ALL, cast.lan)


def test_the_codes_of_choices_are_written_as_people_read_them(session, cast, customers):
    customers(1)
    assert written_at_once(Wanted(LIST, Format.xlsx, (("columns", "kind,source"),)), cast.minh) == [["Cá nhân", "Zalo"]]
    shipped = written_at_once(Wanted("RoleScreen", Format.xlsx, (("columns", "name"),)), cast.hoa)
    assert shipped == [["Quản trị"], ["Quản lý"], ["Nhân viên"], ["Kiểm soát viên"]]


def test_a_row_with_several_values_has_the_label_of_each(session, cast):
    with transaction() as inside:
        user = inside.get_one(Member, cast.minh.user_id).user
        user.roles = [role_by_code(inside, "Manager"), role_by_code(inside, "Staff")]
    wanted = Wanted(
        "MemberScreen", Format.xlsx, (("columns", "roles"), ("where", f"name = '{cast.member('minh').name}'"))
    )
    assert written_at_once(wanted, cast.hoa) == [["Quản lý, Nhân viên"]]


@pytest.mark.parametrize("language", ["vi", "en"])
def test_labels_are_in_the_language_of_who_takes_them_away(cast, customers, language):
    customers(1)
    wanted = Wanted(LIST, Format.xlsx, (("columns", "kind"),))
    with in_language("en" if language == "vi" else "vi"):
        rows = written_at_once(wanted, replace(cast.minh, language=language))
    assert rows == [["Cá nhân" if language == "vi" else "Person"]]


@pytest.mark.both_databases
def test_sixty_rows_ask_the_database_no_more_than_twenty(cast, customers):
    customers(20, of="cskh")
    customers(60, of="van-hanh")

    def statements_for(rows: int, team: str) -> int:
        told = (("where", f"code contains '{team}'"), ("columns", "code,source"))
        number = asked(Wanted(LIST, Format.xlsx, told), cast.hoa)
        with counted() as statements:
            write_exports()
        assert len(cells(number, cast.hoa)) == rows
        return len(statements)

    statements_for(20, "cskh")  # what a process reads once
    assert statements_for(60, "van-hanh") == statements_for(20, "cskh")


# ── told ──
def test_every_export_is_told_to_the_audit_with_its_arguments_and_rows(cast, customers):
    customers(3)
    wanted = Wanted(LIST, Format.csv, (("where", "source = 'zalo'"),))
    number = asked(wanted, cast.minh)
    write_exports()
    [event] = events()
    assert (event.actor_id, event.table_name, event.record_id) == (cast.minh.user_id, "export", number)
    told = {name: new for name, (_old, new) in event.changes.items()}
    assert is_fingerprint(told.pop("arguments"))  # what he looked for may name whom he looked for: it can be erased
    assert values_of(db.session(), event)["arguments"] == (None, [["where", "source = 'zalo'"]])
    assert told == {"list_key": LIST, "format": "csv", "ids": [], "all_columns": False, "rows": 2}


def test_the_bell_rings_once_when_the_file_is_ready(cast, customers):
    customers(1)
    asked(ALL, cast.minh)
    write_exports()
    write_exports()
    assert told(cast.minh) == ["Your file is ready: Customers"]


def test_the_file_is_its_asker_s_alone(cast, customers):
    customers(1)
    number = asked(ALL, cast.minh)
    write_exports()
    for other in (cast.hoa, cast.lan):
        with pytest.raises(NotFoundError):
            exports.file_of(export(number), by=other)
        with transaction(other) as inside, pytest.raises(NotFoundError):
            exports.cancel(inside, inside.get_one(Export, number), by=other)


# ── rights of the moment ──
def test_who_has_lost_the_right_since_gets_nothing(session, cast, customers):
    customers(2)
    finished = asked(ALL, cast.minh)
    write_exports()
    waiting = asked(ALL, cast.minh)
    with transaction() as inside:
        role = role_by_code(inside, "Manager")
        role.permissions = [
            one for one in role.permissions if (one.permission.name, one.view_menu.name) != ("can_export", "Customer")
        ]
        security.rights_changed(inside, [cast.minh.user_id or 0])
    write_exports()
    assert export(waiting).state is ExportState.failed
    assert str(exports.why_failed(export(waiting))) == str(NotAllowedError.message)
    with pytest.raises(NotAllowedError):
        exports.file_of(export(finished), by=cast.minh)


def test_a_member_who_has_left_takes_nothing_along(session, cast, customers):
    customers(2)
    number = asked(ALL, cast.minh)
    with transaction(cast.hoa) as inside:
        takes_over = dict.fromkeys(("teams", "customers"), cast.member("lan"))
        leaving.deactivate_member(inside, cast.member("minh"), by=cast.hoa, receivers=takes_over)
    write_exports()
    assert export(number).state is ExportState.failed
    assert left() == set()
    assert events() == []


def test_a_retired_column_fails_with_a_sentence_and_is_not_tried_again(cast, customers):
    customers(1)
    number = asked(Wanted(LIST, Format.xlsx, (("columns", "gone"),)), cast.minh)
    write_exports()
    assert (export(number).state, export(number).attempts) == (ExportState.failed, 1)
    assert "gone" in str(exports.why_failed(export(number)))
    assert told(cast.minh) == ["Your file could not be written: Customers"]


# ── one that takes its time ──
class Numbers:
    """A list of numbers that does something at one of them."""

    key, title, resource = "Numbers", "Numbers", "Customer"

    def __init__(self, count: int, at: int = 0, act: Callable[[], None] = lambda: None) -> None:
        self.count, self.at, self.act = count, at, act

    def open(self, session: Session, who: Actor, wanted: Wanted) -> Opened:
        return Opened(self.title, [Header("n", Kind.number)], self.count, self._rows())

    def _rows(self) -> Iterator[tuple[int]]:
        for number in range(1, self.count + 1):
            if number == self.at:
                self.act()
            yield (number,)


@pytest.fixture
def numbers() -> Iterator[Callable[..., Wanted]]:
    """numbers(5_000, at=3_000, act=…) → what asks for that list."""

    def register(count: int, **more: Any) -> Wanted:
        exports.register_source(Numbers(count, **more))
        return Wanted("Numbers", Format.xlsx)

    yield register
    exports.sources._sources.pop("Numbers", None)


@pytest.mark.both_databases
def test_progress_is_written_while_the_rows_stream(cast, numbers):
    seen: list[tuple[int, int, ExportState]] = []

    def look() -> None:
        with Session(db.engine) as other:
            row = other.get_one(Export, number)
            seen.append((row.rows_done, row.rows_all, row.state))

    number = asked(numbers(2 * BATCH + 10, at=2 * BATCH + 5, act=look), cast.minh)
    write_exports()
    assert seen == [(2 * BATCH, 2 * BATCH + 10, ExportState.running)]
    assert (export(number).rows_done, export(number).percent) == (2 * BATCH + 10, 100)


@pytest.mark.both_databases
def test_a_file_that_is_cancelled_while_it_is_written_leaves_nothing(cast, numbers):
    def stop() -> None:
        with transaction(cast.minh) as inside:
            exports.cancel(inside, inside.get_one(Export, number), by=cast.minh)

    number = asked(numbers(3 * BATCH, at=BATCH + 5, act=stop), cast.minh)
    write_exports()
    assert export(number).state is ExportState.cancelled
    assert export(number).rows_done == BATCH
    assert (left(), events(), told(cast.minh)) == (set(), [], [])
    write_exports()
    assert export(number).state is ExportState.cancelled


def test_a_finished_file_cannot_be_cancelled(cast, customers):
    customers(1)
    number = asked(ALL, cast.minh)
    write_exports()
    with transaction(cast.minh) as inside, pytest.raises(ConflictError):
        exports.cancel(inside, inside.get_one(Export, number), by=cast.minh)
    assert export(number).state is ExportState.done


def test_our_own_mistake_is_tried_three_times_and_then_told(cast, numbers):
    def broken() -> None:
        raise RuntimeError("planted")

    number = asked(numbers(5, at=3, act=broken), cast.minh)
    at = clock.now()
    for _attempt in range(5):
        with clock.at(at):
            write_exports()
        at += timedelta(hours=2)
    assert (export(number).state, export(number).attempts) == (ExportState.failed, 3)
    assert "planted" not in str(exports.why_failed(export(number)))
    assert left() == set()
    assert told(cast.minh) == ["Your file could not be written: Numbers"]


def write_and_die(folder: str, database_url: str) -> None:
    app = create_app(TestConfig(Path(folder), database_url=database_url))
    exports.register_source(Numbers(3 * BATCH, at=2 * BATCH + 5, act=lambda: os.kill(os.getpid(), signal.SIGKILL)))
    with app.app_context():
        write_exports()


@pytest.mark.usefixtures("machine_time")
@pytest.mark.both_databases(slow=True)
def test_a_worker_killed_half_way_leaves_no_half_file_and_another_one_writes_it_whole(app: Flask, cast, numbers):
    number = asked(numbers(3 * BATCH), cast.minh)
    db.session.close()
    place = app.config["UPLOAD_FOLDER"].removesuffix("/uploads")
    died = forked(write_and_die, place, db.engine.url.render_as_string(hide_password=False))
    assert ended(died, 90) == -signal.SIGKILL
    assert (export(number).state, export(number).rows_done) == (ExportState.running, 2 * BATCH)
    with pytest.raises(NotFoundError):
        exports.file_of(export(number), by=cast.minh)
    write_exports()
    assert export(number).state is ExportState.running  # its lease still stands
    with clock.at(clock.now() + exports.writing.LEASE):
        write_exports()
        assert [row[0] for row in cells(number, cast.minh)] == list(range(1, 3 * BATCH + 1))
    assert export(number).attempts == 2
    assert len(events()) == 1
    with clock.at(clock.now() + timedelta(days=2)):
        exports.remove_strays()
    assert left() == {export(number).path}


# ── bounds ──
def test_a_list_of_a_million_rows_is_refused_with_the_way_out(cast, numbers):
    wanted = numbers(exports.sources.MOST_ROWS + 1)
    with pytest.raises(exports.TooManyToExportError) as refusal:
        exports.open_list(db.session(), cast.minh, wanted)
    with in_language("en"):
        assert "200,000 rows" in str(refusal.value)
        assert "Narrow it first" in str(refusal.value)


def test_rows_that_came_after_the_count_do_not_make_it_endless(cast, numbers, monkeypatch):
    wanted = numbers(50)
    opened = exports.open_list(db.session(), cast.minh, wanted)
    monkeypatch.setattr(exports.sources, "MOST_ROWS", 20)
    with pytest.raises(exports.TooManyToExportError):
        exports.write_at_once(io.BytesIO(), opened, wanted, by=cast.minh)


def test_three_files_at_once_and_a_fourth_when_one_is_done(cast, customers):
    customers(1)
    first = asked(ALL, cast.minh)
    asked(ALL, cast.minh)
    asked(ALL, cast.minh)
    with pytest.raises(ConflictError):
        asked(ALL, cast.minh)
    asked(ALL, cast.hoa)  # everybody has his own three
    with transaction(cast.minh) as inside:
        exports.cancel(inside, inside.get_one(Export, first), by=cast.minh)
    asked(ALL, cast.minh)


def test_several_files_are_written_oldest_first(cast, customers):
    customers(1)
    numbers = [asked(ALL, cast.minh), asked(ALL, cast.hoa)]
    write_exports()
    assert [export(number).state for number in numbers] == [ExportState.done] * 2
    assert len(left()) == 2


# ── kept for a week ──
def test_after_its_week_the_file_and_its_line_are_gone(cast, customers):
    customers(1)
    number = asked(ALL, cast.minh)
    write_exports()
    with clock.at(clock.now() + exports.KEPT_FOR - timedelta(minutes=1)):
        forget()
        assert export(number).state is ExportState.done
        assert len(left()) == 1
    with clock.at(clock.now() + exports.KEPT_FOR + timedelta(minutes=1)):
        forget()
        db.session.rollback()
        assert db.session.get(Export, number) is None
        assert left() == set()
    assert len(events()) == 1


def test_a_file_that_disappeared_from_the_disk_is_not_there(cast, customers):
    customers(1)
    number = asked(ALL, cast.minh)
    write_exports()
    exports.file_of(export(number), by=cast.minh).unlink()
    with pytest.raises(NotFoundError):
        exports.file_of(export(number), by=cast.minh)


def test_the_files_are_readable_by_the_program_alone(cast, customers):
    customers(1)
    number = asked(ALL, cast.minh)
    write_exports()
    place = exports.file_of(export(number), by=cast.minh)
    assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("title", "name"), [("Khách hàng", "Khách hàng"), ("a/b\\c:d", "a b c d"), ("../..", "Tệp"), ("x" * 300, "x" * 100)]
)
def test_the_name_of_the_file_is_the_list_s_and_holds_no_path(cast, title, name):
    with clock.at(clock.now().replace(year=2026, month=11, day=22, hour=18, minute=5)):
        assert exports.file_name(title, Format.csv, by=cast.minh) == f"{name} 2026-11-23 0105.csv"
