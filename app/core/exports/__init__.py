"""Who takes which list away as a file? Asked for by a person, written in his name, kept for a week, told to the audit.

A list that can be exported registers a Source (sources). A short one is written at once; a long one is a row (models,
services), which the worker writes (writing) to the disk with the rights that its owner has at that moment.
"""

from __future__ import annotations

from app.core.exports.disk import file_name, folder, remove_strays
from app.core.exports.models import Export, ExportState, mine
from app.core.exports.services import KEPT_FOR, ask, cancel, file_of, forget, tell_audit, why_failed
from app.core.exports.sources import (
    AT_ONCE,
    CONTENT_TYPES,
    Format,
    Opened,
    Source,
    TooManyToExportError,
    Wanted,
    in_words,
    may_know_arguments,
    open_list,
    register_source,
    register_sources,
    title_of,
)
from app.core.exports.writing import write_at_once, write_waiting

__all__ = [
    "AT_ONCE",
    "CONTENT_TYPES",
    "KEPT_FOR",
    "Export",
    "ExportState",
    "Format",
    "Opened",
    "Source",
    "TooManyToExportError",
    "Wanted",
    "ask",
    "cancel",
    "file_name",
    "file_of",
    "folder",
    "forget",
    "in_words",
    "may_know_arguments",
    "mine",
    "open_list",
    "register_source",
    "register_sources",
    "remove_strays",
    "tell_audit",
    "title_of",
    "why_failed",
    "write_at_once",
    "write_waiting",
]
