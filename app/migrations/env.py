"""How does the database get from one version of the schema to the next? Whole or not at all, one upgrade at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from alembic import context
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from flask import current_app
from sqlalchemy import JSON, Connection

from app.core import ddl
from app.core.db import UtcDateTime

#: Any number will do, as long as two upgrades of one PostgreSQL database use the same one.
_ONE_UPGRADE_AT_A_TIME = 20_261_123


@contextmanager
def _one_upgrade(connection: Connection) -> Iterator[None]:
    """Inside, nobody else changes this schema; tables may be rebuilt, and no foreign key may be left broken."""
    if connection.dialect.name != "sqlite":
        with connection.begin():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_UPGRADE_AT_A_TIME})")
            yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    # A batch rebuilds a table by dropping it, which foreign keys would refuse; SQLite changes it outside of BEGIN only.
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin():
            yield
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
            if broken:
                raise RuntimeError(f"the migration broke foreign keys, nothing was changed: {broken[:5]}")
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


# ── what `flask db migrate` writes, beyond what Alembic sees by itself ──
def _declared_names() -> set[str]:
    statements = " ; ".join(
        text for _table, sqlite, postgresql in ddl.declared.values() for text in (*sqlite, *postgresql)
    )
    return set(re.findall(r"CREATE (?:UNIQUE )?(?:INDEX|VIRTUAL TABLE) (\w+)", statements))


def _is_ours(_object: Any, name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
    """Declared indexes and text tables (with their shadows) are not Alembic's to drop."""
    if not reflected or compared_to is not None or name is None:
        return True
    declared = _declared_names()
    return name not in declared and not (kind == "table" and any(name.startswith(f"{text}_") for text in declared))


def _render(kind: str, item: Any, autogenerate: AutogenContext) -> str | bool:
    """A migration is frozen: it names types of SQLAlchemy, none of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogenerate.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


class RunDeclared(ops.MigrateOperation):
    """Statements of app.core.ddl, frozen as text, per database."""

    def __init__(self, *, sqlite: Sequence[str], postgresql: Sequence[str]) -> None:
        self.statements = {"sqlite": sqlite, "postgresql": postgresql}


@renderers.dispatch_for(RunDeclared)
def _render_declared(_autogenerate: AutogenContext, operation: RunDeclared) -> list[str]:
    lines = []
    for dialect, statements in operation.statements.items():
        if statements:
            lines.append(f"if op.get_bind().dialect.name == {dialect!r}:")
            lines += [f"op.execute({statement!r})" for statement in statements]
            lines.append("")  # ends the block
    return lines


def _with_declared(_context: Any, _revision: Any, scripts: Iterable[ops.MigrationScript]) -> None:
    """After a new table come its triggers, text tables and expression indexes; what does not go with it, goes first."""
    for script in scripts:
        for upgrade, downgrade in zip(script.upgrade_ops_list, script.downgrade_ops_list, strict=True):
            made = {operation.table_name for operation in upgrade.ops if isinstance(operation, ops.CreateTableOp)}
            for table, sqlite, postgresql in ddl.declared.values():
                if table.name not in made:
                    continue
                upgrade.ops.append(RunDeclared(sqlite=sqlite, postgresql=postgresql))
                texts = re.findall(r"CREATE VIRTUAL TABLE (\w+)", " ".join(sqlite))
                functions = re.findall(r"CREATE FUNCTION (\w+)", " ".join(postgresql))
                downgrade.ops.append(
                    RunDeclared(
                        sqlite=[f"DROP TABLE {name}" for name in texts],
                        postgresql=[f"DROP FUNCTION {name}" for name in functions],
                    )
                )


def _migrate() -> None:
    migrate = current_app.extensions["migrate"]
    with migrate.db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            transactional_ddl=True,
            include_object=_is_ours,
            render_item=_render,
            process_revision_directives=_with_declared,
            **migrate.configure_args,
        )
        with _one_upgrade(connection):
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations run on the database itself: the steps depend on which one it is.")
_migrate()
