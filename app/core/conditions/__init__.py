"""When does it apply? The one condition language of forms, processes, rules and lists: kept as JSON, never run."""

from __future__ import annotations

from app.core.conditions.condition import Condition, joined, parse
from app.core.conditions.errors import ConditionError
from app.core.conditions.tree import MAX_DEPTH, MAX_NODES, MAX_TEXT

__all__ = ["MAX_DEPTH", "MAX_NODES", "MAX_TEXT", "Condition", "ConditionError", "joined", "parse"]
