"""What a table needs beyond columns: triggers, full-text tables, expression indexes. Declared beside it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import DDL, Table, event

#: name → (table, SQLite statements, PostgreSQL statements): what a migration must have made.
declared: dict[str, tuple[Table, tuple[str, ...], tuple[str, ...]]] = {}


def declare(name: str, table: Table, *, sqlite: Sequence[str] = (), postgresql: Sequence[str] = ()) -> None:
    """Run these statements after `table` is made. Migrations carry a frozen copy; a test compares the two."""
    if name in declared:
        raise RuntimeError(f"{name} is declared twice")
    declared[name] = (table, tuple(sqlite), tuple(postgresql))
    for dialect, statements in (("sqlite", sqlite), ("postgresql", postgresql)):
        for statement in statements:
            # DDL() interpolates with %: the statements are literal text.
            literal = DDL(statement.replace("%", "%%")).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", literal)


#: tables whose kept rows core.removing deletes all the same, one by one
removable: set[str] = set()


def refuse_changes(
    table: Table, *, when: str = "1", events: Sequence[str] = ("UPDATE", "DELETE"), why: str, may_go: bool = False
) -> None:
    """Rows of `table` that fulfil `when` (over OLD and NEW) cannot be changed or deleted, by whatever way.

    `when` is SQL that both databases read; `why` is what the developer sees who tries. `may_go`: a row that
    removal_permit names can be deleted (core.removing); without it nothing ever deletes one.
    """
    sqlite: list[str] = []
    unless = ""
    if may_go:
        removable.add(table.name)
        unless = _UNLESS_PERMITTED
    postgresql = [
        f"""CREATE FUNCTION {table.name}_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {unless}RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$"""
    ]
    for action in events:
        name = f"tr_{table.name}_no_{action.lower()}"
        condition = when if action == "UPDATE" else _only_old(when)
        permitted = " AND NOT " + _permitted(f"'{table.name}'") if may_go and action == "DELETE" else ""
        sqlite.append(
            f"CREATE TRIGGER {name} BEFORE {action} ON {table.name} FOR EACH ROW WHEN {condition}{permitted} "
            f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
        )
        clause = "" if condition == "1" else f" WHEN ({condition})"
        postgresql.append(
            f"CREATE TRIGGER {name} BEFORE {action} ON {table.name} FOR EACH ROW{clause} "
            f"EXECUTE FUNCTION {table.name}_is_kept()"
        )
    postgresql.append(
        f"CREATE TRIGGER tr_{table.name}_no_truncate BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT "
        f"EXECUTE FUNCTION {table.name}_is_kept()"
    )
    declare(f"{table.name}_kept", table, sqlite=sqlite, postgresql=postgresql)


def _permitted(table: str) -> str:
    return f"EXISTS (SELECT 1 FROM removal_permit WHERE table_name = {table} AND record_id = OLD.id)"  # noqa: S608


# TRUNCATE has no OLD row: the two questions are asked one after the other.
_UNLESS_PERMITTED = f"""IF TG_OP = 'DELETE' THEN IF {_permitted("TG_TABLE_NAME")} THEN RETURN OLD; END IF; END IF;
"""


def _only_old(condition: str) -> str:
    """A DELETE has no NEW row: the part that speaks of it is left out (`A /*new*/ AND B` keeps A)."""
    return condition.split("/*new*/")[0].strip() or "1"
