"""Rows reach the database whole, in one person's name, aware of time, and never over somebody else's change."""

# ruff: noqa: PT012 - a transaction that must fail is the one statement that is meant

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError, StatementError
from sqlalchemy.orm.exc import StaleDataError

from app.core import clock
from app.core.access import SYSTEM
from app.core.audit import AuditEvent
from app.core.db import (
    Entity,
    ForeignCommitError,
    db,
    plan_for_values,
    refuse_nul,
    row_id,
    transaction,
)
from app.core.errors import BadRequestError, NotFoundError
from app.core.models import JobHeartbeat
from app.core.settings import Setting
from app.security.models import Grant, Right, Team
from app.security.services import create_team
from tests.story import MONDAY

BOTH = pytest.mark.both_databases


def a_team(session, code="moi") -> Team:
    return create_team(session, code=code, name="Mới", by=SYSTEM)


def codes(session) -> set[str]:
    session.rollback()
    return set(session.scalars(select(Team.code)))


# ── all or nothing ──
def test_an_error_undoes_everything_and_its_audit(session):
    before = session.scalars(select(AuditEvent.id)).all()
    with pytest.raises(RuntimeError, match="afterwards"), transaction(SYSTEM) as inside:
        a_team(inside)
        assert inside.scalars(select(AuditEvent.id)).all() != before
        raise RuntimeError("afterwards")
    assert "moi" not in codes(session)
    assert session.scalars(select(AuditEvent.id)).all() == before


def test_transactions_do_not_nest(session):
    with pytest.raises(RuntimeError, match="does not nest"), transaction() as inside:
        a_team(inside)
        with transaction():
            pass
    assert "moi" not in codes(session)


def test_a_commit_from_below_the_edge_is_refused_and_undoes_everything(session):
    with pytest.raises(ForeignCommitError), transaction() as inside:
        a_team(inside)
        inside.commit()
    assert "moi" not in codes(session)


def test_a_commit_that_hides_its_refusal_undoes_everything_too(session):
    """Flask-AppBuilder commits by itself, takes the guard's error for its own, rolls back and goes on."""
    with pytest.raises(ForeignCommitError), transaction() as inside:
        a_team(inside)
        SQLAInterface(Role, inside).add(Role(name="Extra"))
        a_team(inside, "nua")
    assert not codes(session) & {"moi", "nua"}
    assert session.scalars(select(Role).where(Role.name == "Extra")).all() == []


def test_a_rollback_from_below_the_edge_is_no_quiet_loss(session):
    with pytest.raises(ForeignCommitError), transaction() as inside:
        a_team(inside)
        inside.rollback()
    assert "moi" not in codes(session)


def test_a_savepoint_is_nobodys_commit(session):
    with transaction() as inside:
        a_team(inside)
        with pytest.raises(IntegrityError), inside.begin_nested():
            inside.add(Team(code="cskh", name="Trùng", sort_key="trung"))
            inside.flush()
        with inside.begin_nested():
            a_team(inside, "nua")
    assert {"moi", "nua"} <= codes(session)


def test_rows_changed_before_the_transaction_are_refused(session):
    team = session.scalars(select(Team)).first()
    team.name = "Lén"
    with pytest.raises(RuntimeError, match="before transaction"), transaction():
        pass
    session.rollback()
    session.add(Team(code="len", name="Lén", sort_key="len"))
    with pytest.raises(RuntimeError, match="before transaction"), transaction():
        pass


def test_rows_are_loaded_again_inside(session):
    team = session.scalars(select(Team).where(Team.code == "cskh")).one()
    assert team.name == "CSKH"
    with db.engine.begin() as other:
        other.execute(update(Team).where(Team.code == "cskh").values(name="Chăm sóc"))
    with transaction() as inside:
        assert inside.get_one(Team, team.id).name == "Chăm sóc"


def test_after_the_transaction_nobody_is_its_actor(session, cast):
    with transaction(cast.hoa) as inside:
        assert inside.info["actor"].username == "hoa"
    assert "actor" not in session.info
    assert "transaction" not in session.info


# ── SQLite as we need it ──
@pytest.mark.parametrize("database", ["sqlite"])
def test_sqlite_keeps_foreign_keys_waits_for_others_and_logs_ahead(session):
    def pragma(name: str) -> object:
        return session.execute(text(f"PRAGMA {name}")).scalar_one()

    assert (pragma("foreign_keys"), pragma("journal_mode"), pragma("busy_timeout")) == (1, "wal", 30_000)


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_transaction_holds_the_write_lock_from_its_beginning(app, session):
    """BEGIN alone takes it at the first write: two who read the same row first would then both change it."""
    with transaction() as inside:
        inside.scalars(select(Team)).all()
        with db.engine.connect() as other:
            other.execute(text("PRAGMA busy_timeout=0"))
            with pytest.raises(DBAPIError, match="locked"):
                other.execute(update(Team).values(name="Chen ngang"))


# ── rows that others change too ──
@BOTH
def test_a_change_on_an_older_revision_is_refused(session):
    with transaction() as inside:
        team_id = a_team(inside).id
    with pytest.raises(StaleDataError), transaction() as inside:
        team = inside.get_one(Team, team_id)
        inside.execute(text("UPDATE team SET rev = rev + 1, name = 'Nhanh hơn' WHERE id = :id"), {"id": team_id})
        team.name = "Chậm hơn"
    assert session.get_one(Team, team_id).name == "Mới"


def test_the_revision_grows_with_every_change(session):
    with transaction() as inside:
        team = a_team(inside)
        assert team.rev == 1
        team.name = "Mới hơn"
        inside.flush()
        assert team.rev == 2


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/teams/", "application/json"), ("/teams/", "text/html")])
def test_a_late_change_is_a_conflict_for_whoever_asks(app, path, kind):
    with app.test_request_context(path):
        answer = app.make_response(app.handle_user_exception(StaleDataError()))
    assert (answer.status_code, answer.mimetype) == (409, kind)


def test_rows_are_stamped_with_the_actor_and_the_moment(session, cast):
    with clock.at(MONDAY), transaction(cast.hoa) as inside:
        team = a_team(inside)
        team_id = team.id
    with clock.at(MONDAY + timedelta(hours=1)), transaction(cast.minh) as inside:
        inside.get_one(Team, team_id).name = "Đổi tên"
    team = session.get_one(Team, team_id)
    assert (team.created_by_id, team.updated_by_id) == (cast.hoa.user_id, cast.minh.user_id)
    assert (team.created_at, team.updated_at) == (MONDAY, MONDAY + timedelta(hours=1))


@BOTH
def test_a_state_that_nobody_knows_cannot_be_stored(session):
    with transaction() as inside:
        inside.add(Grant(resource="Customer", record_id=1, member_id=1, right=Right.view, reason="share"))
    with pytest.raises(IntegrityError), transaction() as inside:
        inside.execute(text("UPDATE access_grant SET \"right\" = 'alles'"))


def test_a_table_name_is_given_once():
    with pytest.raises(InvalidRequestError, match="already defined"):
        type("Again", (Entity,), {"__tablename__": "team", "__module__": __name__})
    gc.collect()  # tests that look at every table would meet it, half made as it is


# ── moments ──
@BOTH
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 23, 2, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=7))),
        datetime(1970, 1, 1, tzinfo=UTC),
    ],
    ids=["utc", "vietnam", "epoch"],
)
def test_a_moment_comes_back_aware_and_the_same(session, moment):
    with transaction() as inside:
        inside.add(JobHeartbeat(name="x", last_ok_at=moment, beats=0))
    row = session.scalars(select(JobHeartbeat).where(JobHeartbeat.last_ok_at == moment)).one()
    assert row.last_ok_at == moment
    assert row.last_ok_at.tzinfo is UTC


def test_a_naive_moment_is_refused(session):
    with pytest.raises(StatementError, match="naive"), transaction() as inside:
        inside.add(JobHeartbeat(name="x", last_ok_at=datetime(2026, 1, 1), beats=0))
        inside.flush()
    with pytest.raises(StatementError, match="naive"):
        session.scalars(select(JobHeartbeat).where(JobHeartbeat.last_ok_at > datetime(2026, 1, 1))).all()


@BOTH
def test_an_empty_json_value_is_null_in_the_database_too(session):
    with transaction(SYSTEM) as inside:
        inside.add(Setting(key="logo_file_id", value=None))
    assert session.execute(text("SELECT count(*) FROM setting WHERE value IS NULL")).scalar_one() == 1


# ── what comes in from outside ──
@pytest.mark.parametrize("written", ["1", "42", "2147483647", 7, "0000000042"])
def test_an_id_is_read(written):
    assert row_id(written) == int(written)


@pytest.mark.parametrize(
    "written",
    [
        "2147483648",
        "99999999999999999999",
        "abc",
        "",
        "-1",
        "+1",
        "1.0",
        "1e3",
        " 1",
        "1_000",
        "٤٢",
        "²",
        "１",
        None,
        "1\n",
        2**31,
    ],
)
def test_what_cannot_be_an_id_is_not_there(written):
    with pytest.raises(NotFoundError):
        row_id(written)


def test_nul_is_refused():
    refuse_nul("bình thường", None)
    with pytest.raises(BadRequestError):
        refuse_nul("trước", "sau\0đó")


@pytest.mark.postgres
def test_a_connection_that_was_cut_while_it_lay_idle_is_opened_anew(prepared, monkeypatch):
    monkeypatch.setattr("app.core.db._RESTED", 0.0)
    with prepared("postgresql").app.app_context():
        with db.engine.connect() as one, db.engine.connect() as other:
            cut = {each.scalar(text("SELECT pg_backend_pid()")) for each in (one, other)}
        with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string()) as killer:
            for pid in cut:
                killer.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        with db.engine.connect() as one, db.engine.connect() as other:
            anew = {each.scalar(text("SELECT pg_backend_pid()")) for each in (one, other)}
        assert len(cut | anew) == 4


@pytest.mark.postgres
def test_what_was_only_read_leaves_its_statements_prepared(prepared):
    with prepared("postgresql").app.app_context():
        db.engine.dispose()  # the pool takes its connections in turn, and each of them prepares for itself
        kept = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%some_team%'")
        teams = select(Team.code.label("some_team")).where(Team.id == 1)

        for _again in range(8):
            db.session.execute(teams).all()
            db.session.rollback()

        assert db.session.scalar(kept) == 1


@pytest.mark.postgres
@pytest.mark.parametrize(
    "written",
    [
        update(Team).values(name="Khác"),
        text("UPDATE team SET name = 'Khác'"),
        text("WITH other AS (UPDATE team SET name = 'Khác' RETURNING id) SELECT id FROM other"),
    ],
    ids=["update", "text", "with"],
)
def test_what_was_written_outside_of_a_transaction_is_undone(prepared, written):
    with prepared("postgresql").app.app_context():
        db.session.execute(written)
        assert "Khác" in db.session.scalars(select(Team.name)).all()

        db.session.rollback()

        assert "Khác" not in db.session.scalars(select(Team.name)).all()


@pytest.mark.postgres
def test_a_lock_that_was_given_up_leaves_nothing_committed(prepared):
    with prepared("postgresql").app.app_context():
        db.session.execute(select(Team.id).with_for_update())
        number = db.session.scalar(text("SELECT pg_current_xact_id()::text"))

        db.session.rollback()

        status = text("SELECT pg_xact_status(CAST(:number AS xid8))")
        assert db.session.scalar(status, {"number": number}) == "aborted"


@pytest.mark.postgres
def test_a_reading_that_failed_ends_like_any_other(prepared):
    with prepared("postgresql").app.app_context():
        with pytest.raises(DBAPIError):
            db.session.execute(text("SELECT 1 / 0"))

        db.session.rollback()

        assert db.session.scalar(text("SELECT 1")) == 1


@pytest.mark.postgres
def test_what_was_planned_for_its_values_stays_prepared_too(prepared):
    with prepared("postgresql").app.app_context():
        teams = select(Team.code.label("planned_team")).where(Team.id == 1)

        for _again in range(12):
            plan_for_values(db.session())
            db.session.execute(teams).all()
            db.session.rollback()

        plans = text(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE '%planned_team%'"
        )
        customs, generics = db.session.execute(plans).one()
        assert customs > 5
        assert generics == 0
