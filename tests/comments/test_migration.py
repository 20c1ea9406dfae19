"""The notes on tasks, and their files, come along when the schema moves on, and go back when it moves back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from app.core.db import db

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
AT = "2026-03-02 08:00:00"

BEFORE = (
    "INSERT INTO ab_user (id, first_name, last_name, username, email) VALUES (7, 'Lan', 'Nguyễn', 'lan', 'lan@x.vn')",
    f"INSERT INTO member (id, name, sort_key, language, time_zone, rights_version, rev, created_at, updated_at) "
    f"VALUES (7, 'Nguyễn Ngọc Lan', 'lan', 'vi', 'Asia/Ho_Chi_Minh', 1, 1, '{AT}', '{AT}')",
    f"INSERT INTO task (id, owner_type, owner_id, step, token, attempt, name, context, state, outcomes, opened_at, "
    f"rev, created_at, updated_at) "
    f"VALUES (3, 'instance', 1, 'receive', 1, 1, 'Tiếp nhận', '', 'ready', '[]', '{AT}', 1, "
    f"'{AT}', '{AT}')",
    f"INSERT INTO task_comment (id, task_id, author_id, text, created_at, updated_at, created_by_id) "
    f"VALUES (41, 3, 7, 'Đã gọi kho', '{AT}', '{AT}', 7), (42, 3, 7, '', '{AT}', '{AT}', 7)",
    f"INSERT INTO stored_file (id, owner_type, owner_id, name, size, content_type, sha256, path, created_at, "
    f"updated_at) VALUES (1, 'task_comment', 42, 'kho.jpg', 9, 'image/jpeg', 'x', 'a', '{AT}', '{AT}'), "
    f"(2, 'company', 1, 'logo.png', 9, 'image/png', 'x', 'b', '{AT}', '{AT}')",
)
SAID = "SELECT id, {record}, author_id, text, created_by_id FROM {table} ORDER BY id"
FILES = "SELECT id, owner_type, owner_id FROM stored_file ORDER BY id"
NOTES = [(41, 3, 7, "Đã gọi kho", 7), (42, 3, 7, "", 7)]


def run(*statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def rows(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.mark.parametrize("database", BOTH)
def test_notes_and_their_files_survive_the_way_up_and_down(database: str, emptied: Callable[[str], Flask]) -> None:
    with emptied(database).app_context():
        upgrade(revision="0001")
        run(*BEFORE)
        upgrade(revision="0002")
        assert rows(SAID.format(record="record_id", table="comment")) == NOTES
        assert rows("SELECT DISTINCT resource, rev FROM comment") == [("Task", 1)]
        assert rows(FILES) == [(1, "comment", 42), (2, "company", 1)]
        run(
            f"INSERT INTO comment (resource, record_id, author_id, text, rev, created_at, updated_at, archived_at) "
            f"VALUES ('Task', 3, 7, 'Thêm sau', 1, '{AT}', '{AT}', '{AT}'), "
            f"('Customer', 1, 7, 'Về khách', 1, '{AT}', '{AT}', NULL)",
            f"INSERT INTO stored_file (id, owner_type, owner_id, name, size, content_type, sha256, path, created_at, "
            f"updated_at) SELECT 3, 'comment', id, 'x.jpg', 9, 'image/jpeg', 'x', 'c', '{AT}', '{AT}' FROM comment "
            f"WHERE resource = 'Customer'",
        )
        downgrade(revision="0001")
        assert rows(SAID.format(record="task_id", table="task_comment")) == [*NOTES, (43, 3, 7, "Thêm sau", None)]
        assert rows(FILES) == [(1, "task_comment", 42), (2, "company", 1)]
        upgrade(revision="0002")
        assert rows("SELECT id FROM comment ORDER BY id") == [(41,), (42,), (43,)]
        db.session.remove()
        db.engine.dispose()
