"""Backup and restore: complete, consistent while people work, and nothing is touched unless all of it is sound."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.core import clock
from app.core.backup import BackupError, Place, in_use, make_backup, restore_backup
from tests.database import PostgresServer, postgres_server

REVISION = "0001"
VIETNAMESE = "uploads/2026/Đơn khiếu nại – chị Hoà (bản sao).pdf"


def migrations(folder: Path) -> Path:
    (folder / "versions").mkdir(parents=True)
    (folder / "versions" / "0001_first.py").write_text(f"revision = '{REVISION}'\ndown_revision = None\n")
    return folder


SCHEMA = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32))",
    f"INSERT INTO alembic_version VALUES ('{REVISION}')",
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer)",
    "INSERT INTO customer VALUES (1, 'Chị Hoà')",
)


@pytest.fixture
def place(tmp_path) -> Place:
    data = tmp_path / "data"
    (data / "uploads" / "2026").mkdir(parents=True)
    (data / VIETNAMESE).write_bytes(b"%PDF old")
    (data / "secret-key").write_text("the first key\n")
    (data / "backups").mkdir()
    (data / "backups" / "older.tar").write_bytes(b"not again")
    with sqlite(data / "tantam.db") as database:
        database.execute("PRAGMA journal_mode=WAL")
        for statement in SCHEMA:
            database.execute(statement)
    return Place(data, make_url(f"sqlite:///{data}/tantam.db"), migrations(tmp_path / "migrations"), "0.1.0")


@contextmanager
def sqlite(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as database:
        yield database


def customers(place: Place) -> list[str]:
    with sqlite(place.data / "tantam.db") as database:
        return [name for (name,) in database.execute("SELECT name FROM customer ORDER BY id")]


def everything(data: Path) -> dict[str, str]:
    """Every file but the database's own and the lock: path → hash. What must not change when a restore is refused."""
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name != ".running" and not path.name.endswith(("-wal", "-shm"))
    }


def change_everything(place: Place) -> None:
    with sqlite(place.data / "tantam.db") as database:
        database.execute("UPDATE customer SET name = 'somebody else'")
    (place.data / VIETNAMESE).write_bytes(b"%PDF new")
    (place.data / "secret-key").write_text("another key\n")
    (place.data / "uploads" / "later.png").write_bytes(b"later")


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None], *, sign: bool = True) -> Path:
    """The archive with other members; `sign` makes its manifest agree with them, as an attacker would."""
    with tarfile.open(archive) as source:
        members = {member.name: source.extractfile(member).read() for member in source}
    change(members)
    if sign and "manifest.json" in members:
        manifest = json.loads(members.pop("manifest.json"))
        manifest["members"] = {
            name: {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in members.items()
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    target = archive.with_name("rewritten.tar")
    with tarfile.open(target, "w") as result:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            result.addfile(member, io.BytesIO(body))
    return target


def refused(place: Place, archive: Path, why: str) -> None:
    before = everything(place.data)
    with pytest.raises(BackupError, match=why):
        restore_backup(place, archive)
    assert everything(place.data) == before
    assert [path.name for path in place.data.iterdir() if path.name.startswith((".restore", "replaced"))] == []


def test_a_backup_brings_everything_back_and_keeps_what_it_replaced(place, tmp_path):
    archive = tmp_path / "kept.tar"
    make_backup(place, archive)
    change_everything(place)
    manifest, aside = restore_backup(place, archive)

    assert manifest.revision == REVISION
    assert customers(place) == ["Chị Hoà"]
    assert (place.data / VIETNAMESE).read_bytes() == b"%PDF old"
    assert (place.data / "secret-key").read_text() == "the first key\n"
    assert not (place.data / "uploads" / "later.png").exists()
    assert (place.data / "backups" / "older.tar").exists()

    assert (aside / VIETNAMESE).read_bytes() == b"%PDF new"
    assert (aside / "secret-key").read_text() == "another key\n"
    assert (aside / "uploads" / "later.png").read_bytes() == b"later"
    with sqlite(aside / "tantam.db") as old:
        assert old.execute("SELECT name FROM customer").fetchall() == [("somebody else",)]


def test_the_archive_is_for_its_owner_alone_and_leaves_nothing_beside_it(place, tmp_path):
    archive = tmp_path / "out" / "kept.tar"
    manifest = make_backup(place, archive)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert list(archive.parent.iterdir()) == [archive]
    assert set(manifest.members) == {"database", f"files/{VIETNAMESE}", "files/secret-key"}


def test_file_names_keep_their_very_letters(place, tmp_path):
    decomposed = "uploads/Ho\u0323p \u0111o\u0302\u0300ng.txt"
    (place.data / decomposed).write_text("x")
    make_backup(place, tmp_path / "kept.tar")
    (place.data / decomposed).unlink()
    restore_backup(place, tmp_path / "kept.tar")
    assert (place.data / decomposed).read_text() == "x"


def test_a_backup_replaces_no_file(place, tmp_path):
    (tmp_path / "kept.tar").write_text("precious")
    with pytest.raises(BackupError, match="already there"):
        make_backup(place, tmp_path / "kept.tar")
    assert (tmp_path / "kept.tar").read_text() == "precious"


def test_a_backup_of_a_damaged_database_is_refused(place, tmp_path):
    with sqlite(place.data / "tantam.db") as database:
        database.executemany("INSERT INTO customer (name) VALUES (?)", [("x" * 500,)] * 500)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (place.data / "tantam.db").open("r+b") as file:
        file.seek(5 * 4096)
        file.write(os.urandom(8 * 4096))
    with pytest.raises(BackupError):
        make_backup(place, tmp_path / "kept.tar")
    assert list(tmp_path.glob("*kept*")) == []


def test_backups_taken_while_people_write_hold_whole_transactions(place, tmp_path):
    """Each transaction adds a customer and his entry, and writes the file that the row names first."""
    stop = threading.Event()
    errors: list[Exception] = []

    def write(worker: int) -> None:
        try:
            with sqlite(place.data / "tantam.db") as database:
                for number in range(100_000):
                    if stop.is_set():
                        return
                    name = f"khách-{worker}-{number}"
                    (place.data / "uploads" / name).write_text(name)
                    database.execute("BEGIN IMMEDIATE")
                    row = database.execute("INSERT INTO customer (name) VALUES (?)", (name,)).lastrowid
                    database.execute("INSERT INTO entry (customer_id) VALUES (?)", (row,))
                    database.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - told below
            errors.append(error)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for writer in writers:
        writer.start()
    try:
        for number in range(5):
            make_backup(place, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert errors == []

    counts = []
    for number in range(5):
        empty = Place(
            tmp_path / f"restored-{number}",
            make_url(f"sqlite:///{tmp_path}/restored-{number}/tantam.db"),
            place.migrations,
            "",
        )
        empty.data.mkdir()
        restore_backup(empty, tmp_path / f"{number}.tar")
        names = customers(empty)[1:]
        with sqlite(empty.data / "tantam.db") as database:
            assert database.execute("SELECT count(*) FROM entry").fetchone() == (len(names),)
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert all((empty.data / "uploads" / name).read_text() == name for name in names)
        counts.append(len(names))
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]  # it was written meanwhile


def test_a_running_server_is_not_restored_under_its_feet(place, tmp_path):
    make_backup(place, tmp_path / "kept.tar")
    with in_use(place.data), in_use(place.data):  # web and worker
        refused(place, tmp_path / "kept.tar", "running|đang chạy")
    restore_backup(place, tmp_path / "kept.tar")


def test_a_backup_may_be_taken_while_the_server_runs(place, tmp_path):
    with in_use(place.data):
        make_backup(place, tmp_path / "kept.tar")


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "files/../../outside",
        "/etc/outside",
        "files//etc/outside",
        "files/./x",
        "files/uploads/../../outside",
        "files",
        "elsewhere/x",
        "files/.running",
        "files/backups/x",
    ],
)
def test_a_member_that_leads_elsewhere_is_refused(place, tmp_path, name):
    make_backup(place, tmp_path / "kept.tar")
    archive = rewritten(tmp_path / "kept.tar", lambda members: members.update({name: b"boo"}))
    refused(place, archive, "damaged")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_refused(place, tmp_path, kind):
    archive = tmp_path / "kept.tar"
    make_backup(place, archive)
    with tarfile.open(archive, "a") as result:
        member = tarfile.TarInfo("files/link")
        member.type, member.linkname = kind, "/etc/passwd"
        result.addfile(member)
    refused(place, archive, "damaged")


def test_any_changed_byte_is_found(place, tmp_path):
    make_backup(place, tmp_path / "kept.tar")

    def change(members: dict[str, bytes]) -> None:
        members["files/secret-key"] = b"the worst key\n"

    refused(place, rewritten(tmp_path / "kept.tar", change, sign=False), "damaged")


@pytest.mark.parametrize("keep", [0, 100, 5_000, 20_000])
def test_a_cut_off_archive_is_refused(place, tmp_path, keep):
    make_backup(place, tmp_path / "kept.tar")
    whole = (tmp_path / "kept.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:keep])
    refused(place, tmp_path / "cut.tar", "damaged")


@pytest.mark.parametrize("missing", ["database", "manifest.json", "files/secret-key"])
def test_a_missing_member_is_noticed(place, tmp_path, missing):
    make_backup(place, tmp_path / "kept.tar")
    archive = rewritten(tmp_path / "kept.tar", lambda members: members.pop(missing), sign=False)
    refused(place, archive, "damaged")


def test_a_database_that_is_none_is_refused_however_well_signed(place, tmp_path):
    make_backup(place, tmp_path / "kept.tar")
    archive = rewritten(tmp_path / "kept.tar", lambda members: members.update(database=b"no database" * 1000))
    refused(place, archive, "restore failed|damaged")


def test_other_files_and_missing_files_are_told_apart(place, tmp_path):
    (tmp_path / "photo.png").write_bytes(b"\x89PNG" * 1000)
    refused(place, tmp_path / "photo.png", "damaged")
    refused(place, tmp_path / "nothing.tar", "not there")


def manifest_with(**values: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **values}).encode()

    return change


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"format": 2}, "another version"),
        ({"product": "other"}, "another version"),
        ({"revision": "9999"}, "does not know"),
        ({"backend": "postgresql"}, "comes from postgresql"),
        ({"members": 7}, "not a backup"),
    ],
)
def test_a_backup_of_something_else_is_refused(place, tmp_path, values, why):
    make_backup(place, tmp_path / "kept.tar")
    refused(place, rewritten(tmp_path / "kept.tar", manifest_with(**values), sign=False), why)


def test_a_broken_database_can_be_replaced(place, tmp_path):
    make_backup(place, tmp_path / "kept.tar")
    (place.data / "tantam.db").write_bytes(b"\0" * 10_000)
    (place.data / "tantam.db-wal").write_bytes(b"stale")
    _, aside = restore_backup(place, tmp_path / "kept.tar")
    assert customers(place) == ["Chị Hoà"]
    assert (aside / "tantam.db").read_bytes() == b"\0" * 10_000


def test_an_empty_installation_can_be_filled(place, tmp_path):
    make_backup(place, tmp_path / "kept.tar")
    shutil.rmtree(place.data)
    place.data.mkdir()
    _, aside = restore_backup(place, tmp_path / "kept.tar")
    assert customers(place) == ["Chị Hoà"]
    assert not aside.exists()


def test_killed_before_any_step_the_database_is_whole_and_a_second_try_succeeds(place, tmp_path, monkeypatch):
    """Fail the N-th rename, for N = 1, 2, 3 … until none is left: the old rows or the new ones, never neither."""
    make_backup(place, tmp_path / "kept.tar")
    rename, number = os.replace, 0
    while True:
        change_everything(place)
        number += 1
        left = [number]

        def failing(source: object, target: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError("pulled the plug")
            rename(source, target)

        monkeypatch.setattr("app.core.backup.restoring.os.replace", failing)
        with clock.at(datetime(2030, 1, 1, 0, number, tzinfo=UTC)):
            try:
                restore_backup(place, tmp_path / "kept.tar")
            except BackupError:
                assert customers(place) == ["somebody else"]
                assert (place.data / VIETNAMESE).exists()
            else:
                break
    assert number == 4  # two files and the database
    assert customers(place) == ["Chị Hoà"]


# PostgreSQL -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def on_postgres(place, server) -> Iterator[Place]:
    with server.database() as url:
        with psycopg.connect(url) as connection:
            for statement in SCHEMA:
                connection.execute(statement)
        yield Place(place.data, make_url(url).set(drivername="postgresql+psycopg"), place.migrations, "0.1.0")


@pytest.mark.postgres
def test_on_postgresql_the_schema_is_swapped_in_one_transaction(on_postgres, tmp_path):
    place = on_postgres
    make_backup(place, tmp_path / "kept.tar")
    url = place.database.set(drivername="postgresql").render_as_string(hide_password=False)
    for expected_aside in (1, 2):
        with clock.at(datetime(2030, 1, 1, 0, expected_aside, tzinfo=UTC)):
            with psycopg.connect(url) as connection:
                connection.execute("UPDATE customer SET name = 'somebody else'")
            restore_backup(place, tmp_path / "kept.tar")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT name FROM customer").fetchall() == [("Chị Hoà",)]
            schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'replaced%'").fetchall()
            assert len(schemas) == expected_aside
            old = psycopg.sql.Identifier(max(name for (name,) in schemas), "customer")
            rows = connection.execute(psycopg.sql.SQL("SELECT name FROM {}").format(old)).fetchall()
            assert rows == [("somebody else",)]


@pytest.mark.postgres
def test_on_postgresql_a_failing_load_changes_nothing(on_postgres, tmp_path):
    place = on_postgres
    make_backup(place, tmp_path / "kept.tar")
    broken = rewritten(
        tmp_path / "kept.tar", lambda members: members.update(database=b"CREATE TABLE x (); SELECT 1/0;")
    )
    with pytest.raises(BackupError, match="psql"):
        restore_backup(place, broken)
    url = place.database.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM customer").fetchall() == [("Chị Hoà",)]


@pytest.mark.postgres
def test_on_postgresql_a_server_elsewhere_is_noticed(on_postgres, tmp_path):
    place = on_postgres
    make_backup(place, tmp_path / "kept.tar")
    url = place.database.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url), pytest.raises(BackupError, match="running"):
        restore_backup(place, tmp_path / "kept.tar")


@pytest.mark.postgres
def test_without_the_client_programs_a_backup_says_what_to_install(on_postgres, tmp_path, monkeypatch):
    def nothing(name: str) -> None:
        return None

    monkeypatch.setattr("app.core.backup.postgresql.shutil.which", nothing)
    monkeypatch.setattr("app.core.backup.postgresql._DEBIAN", tmp_path)
    with pytest.raises(BackupError, match="postgresql-client"):
        make_backup(on_postgres, tmp_path / "kept.tar")
