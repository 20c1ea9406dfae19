"""Which tables does the log speak of? A table without words fails a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.audit.company_kinds import COMPANY_KINDS
from app.audit.customer_kinds import CUSTOMER_KINDS
from app.audit.people_kinds import PEOPLE_KINDS
from app.audit.words import Kind
from app.audit.work_kinds import WORK_KINDS

#: table → its words
KINDS: Mapping[str, Kind] = {**CUSTOMER_KINDS, **WORK_KINDS, **PEOPLE_KINDS, **COMPANY_KINDS}


def kind_label(table: str | None) -> Any:
    """What a row of that table is; a table that is no longer there still has a name."""
    if table is None:
        return ""
    return KINDS[table].label if table in KINDS else table
