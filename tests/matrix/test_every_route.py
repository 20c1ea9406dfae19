"""Is every address as open as the roles say, to everybody, for every record, and not a hair more?

endpoints.csv only says what an endpoint is about: (resource, action), and of which kind its record is. What is expected
is worked out from the shipped roles (company.py); an endpoint that is not in the file fails the build.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from flask import Flask, url_for
from sqlalchemy import func, select

from app.core.accounts import User
from app.core.db import db
from app.security.models import SignIn
from tests.cast import PASSWORD
from tests.conftest import RightsOf, forget_everything, read_rights
from tests.database import PostgresServer
from tests.matrix.company import DISCREET, KEPT_BACK, PEOPLE, Company, Person, Record, found, reaches

FILE = Path(__file__).with_name("endpoints.csv")
#: served as files are, before anybody is asked for
FILES = {"static", "appbuilder.static"}
#: doors that nobody of the company comes through by one request, and why
IDLE = {
    "ArrivalView.password": "for those whose first password waits to be changed: nothing else is open to them",
    "LookPages.stop": "ends what another request has begun for the same session",
    "MemberScreen.action": "password and leave only lead to the page on which it is done (MemberPages)",
    "SubmissionApi.restore": "nothing is voided in the morning (tests/forms/submissions/test_api.py)",
    "SubmissionApi.unlock": "nothing is locked in the morning (tests/forms/submissions/test_api.py)",
    "VersionPages.stop": "no process files are being moved (tests/processes/test_version_moves.py)",
    "AdministrationPages.remove_demo": "the company has no demo data (tests/demo/test_removal.py)",
    **dict.fromkeys(
        ("InstanceApi.resume", "InstancePages.resume", "InstanceApi.retry", "InstanceApi.lead", "InstancePages.lead"),
        "no process file is paused or cannot go on (tests/processes/test_operation_pages.py)",
    ),
}
#: what no screen calls any action of its own
NO_SUCH_ACTION = "nothing"


@dataclass(frozen=True)
class Door:
    """One line of the file."""

    endpoint: str
    method: str
    #: path values; with "query.", "form.", "file." or "json." in front what is sent, "xml" the whole body. "@" is the
    #: record's number, "@point" a part of it; other words with "@" the company knows
    args: Mapping[str, str]
    #: empty: being signed in is enough
    resource: str
    action: str
    #: the kind of record that the address names, several with "+" between them, or nothing
    record: str
    #: public: for everybody; told: what one may not touch is told in the answer, and stays as it is; refused: who sees
    #: the record and may not do this to it is told why; absent: what the address names beside the record, or asks for,
    #: is there for nobody; covered: who reads it with dots in it changes nothing of it; idle: the morning leaves
    #: nothing for it to do
    door: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.endpoint} {dict(self.args)}"


def doors() -> list[Door]:
    with FILE.open(encoding="utf-8", newline="") as lines:
        return [
            Door(row["endpoint"], row["method"], dict(one.split("=", 1) for one in row["args"].split()),
                 row["resource"], row["action"], row["record"], frozenset(row["door"].split()))
            for row in csv.DictReader(lines)
        ]  # fmt: skip


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in FILES
    }


def test_every_route_stands_in_the_file_and_nothing_else(app):
    assert routes(app) == {(door.endpoint, door.method) for door in doors()}


class OnSqlite:
    """The database as it was when the company had worked for a morning: kept, watched, brought back."""

    def __init__(self) -> None:
        self._file = Path(db.engine.url.database or "")
        self._kept = self._file.with_name("morning.db")
        self._file.with_name("morning.db").unlink(missing_ok=True)
        with closing(sqlite3.connect(self._file)) as connection:
            connection.execute("VACUUM INTO ?", [str(self._kept)])
        self._watch: sqlite3.Connection | None = None
        self.bring_back()

    def bring_back(self) -> None:
        if self._watch is not None:
            self._watch.close()
        db.engine.dispose()
        for leftover in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + leftover).unlink(missing_ok=True)
        shutil.copy(self._kept, self._file)
        self._watch = sqlite3.connect(self._file)
        self._watch.execute("PRAGMA journal_mode=WAL")
        self._seen = self._version()

    def changed(self) -> bool:
        """Has any other connection written anything since it was brought back?"""
        return self._version() != self._seen

    def _version(self) -> int:
        assert self._watch is not None
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        assert self._watch is not None
        self._watch.close()


class OnPostgres:
    """The same, by copies of the database; whoever writes takes a transaction number, and so does who locks a row."""

    def __init__(self, server: PostgresServer) -> None:
        self._server, self._name = server, str(db.engine.url.database)
        db.engine.dispose()
        self._kept = server.create_database(template=self._name)
        self._watch: psycopg.Connection | None = None
        self.bring_back()

    def bring_back(self) -> None:
        self.close()
        db.engine.dispose()
        self._server.drop_database(self._name)
        self._server.create_database(name=self._name, template=self._kept)
        self._watch = psycopg.connect(self._server.url(self._name), autocommit=True)
        self._seen = self._version()

    def changed(self) -> bool:
        """What was given up again is no change."""
        kept = "SELECT bool_or(pg_xact_status(n::text::xid8) = 'committed') FROM generate_series(%s, %s - 1) n"
        return bool(self._one(kept, [self._seen, self._version()]))

    def _version(self) -> int:
        return int(self._one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))

    def _one(self, question: LiteralString, values: Sequence[int] = ()) -> Any:
        assert self._watch is not None
        row = self._watch.execute(question, values).fetchone()
        assert row is not None
        return row[0]

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()


@dataclass
class World:
    """The company, the cookie and the token of everybody who asks, and the database that is brought back."""

    app: Flask
    company: Company
    cookies: Mapping[str, str]
    tokens: Mapping[str, str]
    kept: OnSqlite | OnPostgres
    #: what everybody may do on that morning
    rights: RightsOf
    #: doors that let somebody in and did what he wanted
    opened: set[str] = field(default_factory=set)

    def send(self, person: Person, door: Door, record: Record | None, *, by_token: bool = True) -> Any:
        """The answer, where a page only points to another one: that one's. Programs sign in by token."""
        number = record.id if record else ""
        point = record.point if record else ""
        meant = {"@": number, "@point": point or "1", **self.company.given}
        given = {key: meant.get(value, value) for key, value in door.args.items()}
        body = {key: _read(value) for key, value in _under("json.", given).items()}
        form = {key: _read(value) if value[:1] == "[" else value for key, value in _under("form.", given).items()}
        for name, text in _under("file.", given).items():
            form[name] = (BytesIO(text.replace(";", "\n").encode()), f"{name}.csv")
        rule = next(rule for rule in self.app.url_map.iter_rules(door.endpoint) if door.method in (rule.methods or ()))
        with self.app.test_request_context():
            places = {name: given.get(name, number) for name in rule.arguments}
            address = url_for(door.endpoint, **places, **_under("query.", given))
        browser = self.app.test_client()
        if person.username:
            browser.set_cookie(self.app.config["SESSION_COOKIE_NAME"], self.cookies[person.username])
        if address.startswith("/api/"):
            signed_in = bool(person.username) and by_token
            headers = {"Authorization": f"Bearer {self.tokens[person.username]}"} if signed_in else {}
            if door.method == "GET":
                return browser.get(address, headers=headers)
            if "xml" in given:
                return browser.open(
                    address, method=door.method, data=given["xml"], content_type="application/xml", headers=headers
                )
            if form:
                return browser.open(address, method=door.method, data=form, headers=headers)
            return browser.open(address, method=door.method, json=body, headers=headers)
        if door.method == "GET":
            return browser.get(address, follow_redirects=bool(person.username))
        return browser.open(address, method=door.method, data=form)


def _under(prefix: str, given: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in given.items() if key.startswith(prefix)}


def _read(value: str) -> Any:
    """As JSON; a word stays what it is."""
    try:
        return json.loads(value)
    except ValueError:
        return value


@pytest.fixture(scope="module")
def worlds(prepared: Any, postgres: Any) -> Iterator[Callable[[str], World]]:
    made: dict[str, World] = {}

    def on(database: str) -> World:
        if database in made:
            return made[database]
        bench = prepared(database)
        with bench.app.app_context():
            db.engine.dispose()
        bench.begin_anew("")
        forget_everything()
        with bench.app.app_context():
            company = found(db.session())
            db.session.remove()
        cookies, tokens = {}, {}
        for person in PEOPLE[1:]:
            browser = bench.app.test_client()
            told = {"username": person.username, "password": PASSWORD}
            assert browser.post("/login/", data=told).status_code == 302
            cookie = browser.get_cookie(bench.app.config["SESSION_COOKIE_NAME"])
            assert cookie is not None
            cookies[person.username] = cookie.value
            answer = bench.app.test_client().post("/api/v1/security/login", json={**told, "provider": "db"})
            tokens[person.username] = answer.json["access_token"]
        with bench.app.app_context():
            for state, username in (("own", "lan"), ("other", "khoa")):
                theirs = (
                    select(func.max(SignIn.id)).join(User, User.id == SignIn.member_id).where(User.username == username)
                )
                company.add("SignIn", state, db.session.scalar(theirs), owners=[username])
            rights = read_rights()
            db.session.remove()
            db.engine.dispose()
            kept: OnSqlite | OnPostgres = OnSqlite() if database == "sqlite" else OnPostgres(postgres())
        made[database] = World(bench.app, company, cookies, tokens, kept, rights)
        return made[database]

    yield on
    for world in made.values():
        world.kept.close()


BOTH = ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])]
#: nobody, one of each reach, and who may do everything; the others walk the same ways on long days
OFTEN = {"anonymous", "staff", "manager", "admin"}
ASKING = [pytest.param(one, marks=[] if one.key in OFTEN else pytest.mark.slow, id=one.key) for one in PEOPLE]


@pytest.mark.parametrize("database", BOTH)
@pytest.mark.parametrize("person", ASKING)
def test_every_route_is_as_open_as_the_roles_say(worlds, person, database):
    world, wrong = worlds(database), []
    bring_back(world)
    out_of_sight, kept_back = world.company.out_of_sight(person), KEPT_BACK if person.role == DISCREET else ()
    for door in doors():
        for record in world.company.asked(door.record):
            answer = world.send(person, door, record)
            wanted, got = expected(door, person, record), answered(answer)
            changed = world.kept.changed()
            which = f"{door} {record.state if record else ''}"
            if got not in _FITTING.get(wanted, {wanted}):
                wrong.append(f"{which}: {wanted} is expected, {got} ({answer.status_code}) is answered")
            if changed and (wanted not in ("open", "public") or door.method == "GET"):
                wrong.append(f"{which}: {wanted}, and yet something was written")
            text = _BETWEEN.sub("", answer.get_data().decode(errors="replace"))
            # The log tells whoever may read it what was done, of anything; but never what he may read nowhere.
            reads_all = door.resource == "Audit" and wanted == "open"
            if told := [word for word in (*kept_back, *(() if reads_all else out_of_sight)) if word in text]:
                wrong.append(f"{which}: {wanted}, and yet {', '.join(told)} is told")
            if wanted == "open" and did(answer, changed):
                world.opened.add(str(door))
            answer.close()
            if changed:
                bring_back(world)
    assert not wrong, "\n".join(wrong)


def test_every_door_does_to_somebody_what_it_is_for(worlds):
    """Else "refused for another reason" would be taken for an open door."""
    world, useless = worlds("sqlite"), []
    for door in doors():
        is_for_nobody = door.action == NO_SUCH_ACTION or door.door & {"public", "absent", "idle"}
        if door.method == "GET" or is_for_nobody or str(door) in world.opened:
            continue
        if not any(opens(world, person, door) for person in PEOPLE if person.key in ("admin", "staff")):
            useless.append(str(door))
    assert not useless, "\n".join(useless)


def opens(world: World, person: Person, door: Door) -> bool:
    bring_back(world)
    for record in world.company.asked(door.record):
        if expected(door, person, record) == "open":
            answer = world.send(person, door, record)
            answer.close()
            if did(answer, world.kept.changed()):
                return True
    return False


def did(answer: Any, changed: bool) -> bool:
    return answer.status_code < 300 or (answer.status_code == 302 and changed)


def bring_back(world: World) -> None:
    with world.app.app_context():
        world.kept.bring_back()
    forget_everything(world.rights)


#: what may stand inside a phone number as it is drawn
_BETWEEN = re.compile(r"[\s.]")
#: what else is as good an answer. A button says why not on the page that it stands on; who is too late is told by whom.
_FITTING = {
    "public": {"open", "missing", "told", "sign-in", "unread"},
    "refused": {"forbidden", "told"},
    "told": {"told", "open"},
    "open": {"open", "told"},
    # A number that no row can have is none, before anybody is asked for.
    "beyond": {"missing", "forbidden", "sign-in", "told", "unread"},
}


def expected(door: Door, person: Person, record: Record | None) -> str:
    """open, sign-in, forbidden or missing; told, refused, public or beyond, where more than one answer fits."""
    action, _, on_record = door.action.partition(":")
    if "public" in door.door:
        return "public"
    if record is not None and record.state == "beyond":
        return "beyond"
    if not person.username:
        return "sign-in"
    if action == NO_SUCH_ACTION:
        return "missing" if person.may("view", door.resource) else "forbidden"
    if door.resource and not person.may(action, door.resource):
        return "forbidden"
    behind = "missing" if "absent" in door.door else "open"
    if record is None:
        return behind
    if not reaches(person, "view", record):
        return "told" if "told" in door.door else "missing"
    if (door.resource == record.resource or on_record) and not reaches(person, on_record or action, record):
        return next(iter(door.door & {"told", "refused"}), "forbidden")
    if "covered" in door.door and person.role == DISCREET:
        return "forbidden"
    return behind


def answered(response: Any) -> str:
    if response.status_code == 401 or "/login/" in response.headers.get("Location", ""):
        return "sign-in"
    if response.status_code in (302, 409, 422):
        return "told"
    if response.status_code == 400:
        return "unread"
    if response.status_code >= 500 and response.status_code != 503:
        return "broken"
    return {403: "forbidden", 404: "missing"}.get(response.status_code, "open")


def test_only_what_has_its_reason_is_never_tried_with_success():
    assert {door.endpoint for door in doors() if "idle" in door.door} == set(IDLE)


def test_nothing_is_changed_for_a_cookie_alone(worlds, monkeypatch):
    """Every unsafe route wants the form's token, or a bearer token in place of the cookie."""
    world, taken = worlds("sqlite"), []
    admin = next(person for person in PEOPLE if person.role == "Admin")
    monkeypatch.setitem(world.app.config, "WTF_CSRF_ENABLED", True)
    with world.app.app_context():
        world.kept.bring_back()
    forget_everything(world.rights)
    for door in doors():
        # Signing in by the interface gives a token for a password: the cookie counts for nothing there.
        if door.method == "GET" or door.endpoint == "SecurityApi.login":
            continue
        # Nobody is signed in there, whatever cookie comes along: there is no right that could be borrowed (ADR 0035).
        if door.endpoint.startswith("OpenFormView."):
            continue
        answer = world.send(admin, door, world.company.asked(door.record)[0], by_token=False)
        if answer.status_code != 400 or world.kept.changed():
            taken.append(f"{door}: {answer.status_code}")
    assert not taken, "\n".join(taken)
