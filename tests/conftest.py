"""One application a database for the whole run; every test begins with a fresh copy of one prepared database.

Tests run on SQLite. Those marked `both_databases` run on PostgreSQL too (`pytest -m postgres` runs only these), and
`pytest --database=postgresql` runs any test there.
"""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.cli import prepare
from app.core import audit, clock, vault
from app.core.access import SYSTEM
from app.core.db import Model, db, transaction
from app.core.remembered import forget_all
from app.demo import people
from app.security import queries as security
from app.security.models import Member
from app.security.services import hash_password
from config import TestConfig
from tests import proof, templates
from tests.cast import PASSWORD, Cast
from tests.database import KeptDatabase, PostgresServer, postgres_server
from tests.story import MONDAY, Story

# How long an example takes says more about the machine than about the code. The few are the same in every run, so that
# what stops one stops all; the many look for what nobody has thought of.
_AT_ANY_SPEED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("thorough", max_examples=200, **_AT_ANY_SPEED)
hypothesis.settings.register_profile("quick", max_examples=25, derandomize=True, **_AT_ANY_SPEED)
hypothesis.settings.load_profile("quick")


#: What takes long begins first (`--no-loadscope-reorder`): of several processes nobody waits for the last one long.
_LONGEST = ("tests/e2e/test_every_screen", "tests/matrix/", "tests/i18n/test_every_word", "tests/demo/", "tests/e2e/",
            "tests/tasks/", "tests/core/", "tests/processes/")  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), help="run every test on this one")


def pytest_configure(config: pytest.Config) -> None:
    # What was loaded stays, and so do the thousands of tests that are collected now.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if templates.made():
        config.add_cleanup(templates.take_away)
    templates.share()
    config.pluginmanager.register(_AtOnce(config))
    config.pluginmanager.register(proof.Told())
    config.addinivalue_line(
        "markers", "both_databases(slow=False): runs on SQLite and on PostgreSQL; there on long days alone where slow"
    )


class _AtOnce:
    """Names what failed when it does, and not only when all the others have ended."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and reporter is not None:
            reporter.write_line(f"{report.nodeid} failed", red=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        place = item.path.relative_to(config.rootpath).as_posix()
        return next((number for number, begin in enumerate(_LONGEST) if place.startswith(begin)), len(_LONGEST))

    items.sort(key=turn)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" not in metafunc.fixturenames or metafunc.config.getoption("--database"):
        return
    marker = metafunc.definition.get_closest_marker("both_databases")
    if marker:
        marks = [pytest.mark.postgres, pytest.mark.slow] if marker.kwargs.get("slow") else [pytest.mark.postgres]
        metafunc.parametrize("database", ["sqlite", pytest.param("postgresql", marks=marks)])


@pytest.fixture(autouse=True)
def working_day(request: pytest.FixtureRequest) -> Iterator[None]:
    """For this process, in each of its threads, it is Monday morning in Vietnam, and time goes on.

    On a Sunday, or at midnight in London, a test has to find what it finds now.
    """
    if "machine_time" in request.fixturenames:
        yield
        return
    begun = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "of_machine", lambda: MONDAY + timedelta(seconds=time.monotonic() - begun))
        yield


@pytest.fixture
def machine_time() -> None:
    """It is what the machine's clock says, for tests that look at other processes: a server's, a worker's."""


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """On which database this test runs."""
    return request.config.getoption("--database") or "sqlite"


#: member id → (his rights_version, his rights)
RightsOf = Mapping[int, tuple[int, security.Rights]]


@dataclass(frozen=True)
class Prepared:
    """An application, and how its database becomes again what it was: the schema, the roles and the cast."""

    app: Flask
    #: begin_anew("") → the database as it was prepared; another name: as it was when it was kept under that name
    begin_anew: Callable[[str], None]
    #: this is how it begins under that name from now on
    keep: Callable[[str], None]
    #: nobody is connected any more; what the test left need not be there still
    let_go: Callable[[], None]
    #: not a single table
    empty: Callable[[], None]
    #: what was given by whoever made the databases that are kept, by their names
    given: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], PostgresServer]]:
    """The one server of this run, started by whoever asks first."""
    with ExitStack() as stack:
        running: list[PostgresServer] = []

        def server() -> PostgresServer:
            if not running:
                running.append(stack.enter_context(postgres_server()))
            return running[0]

        yield server


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, postgres: Callable[[], PostgresServer]
) -> Callable[[str], Prepared]:
    """prepared("postgresql") → the application on that database, made once."""
    made: dict[str, Prepared] = {}

    def on(database: str) -> Prepared:
        if database not in made:
            folder = tmp_path_factory.mktemp(database)
            made[database] = _on_sqlite(folder) if database == "sqlite" else _on_postgres(folder, postgres())
            # As a web process does: what was loaded stays for good. Not what a test before this one has left.
            gc.collect()
            gc.freeze()
        return made[database]

    return on


def _on_sqlite(folder: Path) -> Prepared:
    app = create_app(TestConfig(folder))
    file = folder / "tantam.db"
    _fill(app)

    def keep(name: str) -> None:
        _disconnect(app)  # the last one writes what stands in the journal into the file
        shutil.copy(file, folder / f"kept {name}.db")

    def empty() -> None:
        # The files first: SQLite then need not write the journal of what nobody wants into them.
        for leftover in ("", "-wal", "-shm"):
            file.with_name(file.name + leftover).unlink(missing_ok=True)
        _disconnect(app)

    def begin_anew(name: str = "") -> None:
        # A new file, not the old one filled again: SQLite shares what it knows of a file between the connections of
        # a process, and one that an earlier test left open would be given the old journal for the new content.
        empty()
        shutil.copy(folder / f"kept {name}.db", file)

    keep("")
    return Prepared(app, begin_anew, keep, empty, empty)


def _on_postgres(folder: Path, server: PostgresServer) -> Prepared:
    name = server.create_database()
    app = create_app(TestConfig(folder, database_url=server.url(name)))
    _fill(app)
    kept = KeptDatabase(server, name)

    def empty() -> None:
        _disconnect(app)
        server.drop_database(name)
        server.create_database(name=name)

    def begin_anew(state: str = "") -> None:
        _disconnect(app)
        kept.bring_back(state)

    def keep(state: str) -> None:
        _disconnect(app)
        kept.keep(state)

    return Prepared(app, begin_anew, keep, lambda: _disconnect(app), empty)


#: before all that any test does, whatever the day is outside
_BEFOREHAND = MONDAY - timedelta(days=3)


def _fill(app: Flask) -> None:
    with app.app_context(), clock.at(_BEFOREHAND):
        Model.metadata.create_all(db.engine)
        forget_all()
        prepare()
        with transaction(SYSTEM) as session:
            people.hire(session, people.PEOPLE, password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1"))
        db.session.remove()
        db.engine.dispose()


def read_rights() -> RightsOf:
    """What everybody may do, as it stands in the database."""
    members = db.session.scalars(select(Member))
    return {one.id: (one.rights_version, security.rights_of(db.session(), one)) for one in members}


def forget_everything(rights: RightsOf | None = None) -> None:
    """What a process remembers of its database is wrong for another one, but for these `rights` read there before."""
    forget_all()
    for member, (version, known) in (rights or {}).items():
        security._rights[member] = version, replace(known, rules={})


def _use_keys_of(app: Flask) -> None:
    """The last application that was made has set its own for the process."""
    audit.configure(app.config["SECRET_KEY"])
    vault.configure(app.config["SECRET_KEY"])


def _disconnect(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(prepared: Callable[[str], Prepared], database: str) -> Iterator[Flask]:
    """The application on a fresh database. No context is left open: requests would share their `g`."""
    bench = prepared(database)
    bench.begin_anew("")
    forget_everything()
    _use_keys_of(bench.app)
    yield bench.app
    bench.let_go()


@pytest.fixture
def once(app: Flask, prepared: Callable[[str], Prepared], database: str) -> Callable[[str, Callable[[], Any]], Any]:
    """once("late delivery", make) → what make() gave, and the database as it was then: made by the first who asks.

    Before anything else is written; what is given is the same for all.
    """
    bench = prepared(database)

    def made(name: str, make: Callable[[], Any]) -> Any:
        if name not in bench.given:
            given = make()
            _lay_down()
            bench.keep(name)
            bench.given[name] = given
        else:
            _lay_down()
            bench.begin_anew(name)
        forget_everything()
        return bench.given[name]

    return made


def _lay_down() -> None:
    """The session of this test holds no connection."""
    if has_app_context():
        db.session.close()


@pytest.fixture
def emptied(prepared: Callable[[str], Prepared]) -> Iterator[Callable[[str], Flask]]:
    """emptied("sqlite") → the application on a database without any table, for tests of migrations."""
    used: dict[str, Prepared] = {}

    def on(database: str) -> Flask:
        bench = used[database] = prepared(database)
        bench.empty()
        forget_everything()
        _use_keys_of(bench.app)
        return bench.app

    yield on
    for bench in used.values():
        bench.begin_anew("")


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """For tests of services: a database session inside an application context, in no transaction of ours."""
    with app.app_context():
        yield db.session()
        db.session.rollback()


@pytest.fixture
def cast(session: Session) -> Cast:
    """Lan, Minh, Hoa, Tuấn and Bình as actors, with their teams."""
    return Cast(session)


@pytest.fixture
def client(app: Flask) -> Callable[..., FlaskClient]:
    """client("lan") → a browser in which Lan is signed in; client() → one in which nobody is."""

    def signed_in(username: str | None = None) -> FlaskClient:
        browser = app.test_client()
        if username is not None:
            answer = browser.post("/login/", data={"username": username, "password": PASSWORD})
            assert answer.status_code == 302, answer.text
        return browser

    return signed_in


@pytest.fixture
def token(app: Flask) -> Callable[[str], dict[str, str]]:
    """token("lan") → the headers with which a program acts as Lan."""

    def headers(username: str) -> dict[str, str]:
        body = {"username": username, "password": PASSWORD, "provider": "db"}
        answer = app.test_client().post("/api/v1/security/login", json=body)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    return headers


@pytest.fixture
def story(session: Session, cast: Cast, once: Callable[..., int]) -> Iterator[Story]:
    """A Monday morning with the process "Giao hàng chậm" and a customer; the clock stands still."""
    with clock.at(MONDAY):
        yield Story(session, cast, once("story", lambda: Story(session, cast).customer_id))


@pytest.fixture
def begun(app: Flask, once: Callable[..., dict[str, int]]) -> dict[str, int]:
    """That process begun by Lan, for tests that look at pages: the numbers of what there is. No context stays open."""

    def begin() -> dict[str, int]:
        with app.app_context():
            told = Story(db.session(), Cast(db.session()))
            instance = told.start()
            return {"customer": told.customer_id, "instance": instance, "task": told.task(instance, "receive").id,
                    "process": told.process().id, "member": told.cast.lan.user_id or 0}  # fmt: skip

    return once("begun", begin)


@pytest.fixture
def change(app: Flask) -> Callable[[Callable[[Session, Cast], object]], None]:
    """change(lambda session, cast: …): do something inside a transaction of the system, as another process would."""

    def run(act: Callable[[Session, Cast], object]) -> None:
        with app.app_context(), transaction(SYSTEM) as inside:
            act(inside, Cast(inside))

    return run
