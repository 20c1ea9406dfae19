"""The customer's page tells in words whatever can happen to him."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import app as product
from app.customers.duplicates.warning import SAVED
from app.customers.interactions import STRUCK
from app.customers.profile_models import InteractionKind
from app.customers.purchases import REMOVED
from app.customers.timeline_words import SIGNS, TEXTS
from app.processes.engine.state import InstanceStatus

ROOT = Path(product.__file__).parent
ENDS = (InstanceStatus.completed, InstanceStatus.cancelled, InstanceStatus.failed)


def said(value: ast.expr) -> set[str]:
    """The words that an expression may come to; f"instance_{…}" speaks of how an instance ended."""
    if isinstance(value, ast.Constant):
        return {str(value.value)}
    if isinstance(value, ast.IfExp):
        return said(value.body) | said(value.orelse)
    if ast.unparse(value) == "kind.value":
        return set(InteractionKind)
    if ast.unparse(value) == "warning.SAVED":
        return {SAVED}
    assert isinstance(value, ast.JoinedStr), ast.unparse(value)
    begin, end = value.values
    assert isinstance(begin, ast.Constant)
    assert isinstance(end, ast.FormattedValue)
    assert (begin.value, ast.unparse(end.value)) == ("instance_", "decision.state.status"), ast.unparse(value)
    return {f"instance_{status}" for status in ENDS}


def calls(name: str) -> Iterator[tuple[str, ast.expr]]:
    """(the function it stands in, the kind that it gives) of every call of `name` in the product."""
    for file in sorted(ROOT.rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        if f"{name}(" not in source:
            continue
        for around in ast.walk(ast.parse(source)):
            if not isinstance(around, ast.FunctionDef):
                continue
            for call in ast.walk(around):
                if isinstance(call, ast.Call) and name in (
                    getattr(call.func, "id", ""),
                    getattr(call.func, "attr", ""),
                ):
                    yield from ((around.name, given.value) for given in call.keywords if given.arg == "kind")


def recorded(name: str = "record_timeline") -> set[str]:
    """Every kind that is written on a timeline; who passes on a kind that he was given is looked up himself."""
    found: set[str] = set()
    for around, kind in calls(name):
        found |= recorded(around) if isinstance(kind, ast.Name) else said(kind)
    return found


def told_of() -> set[str]:
    """What changed columns come to: the kinds that services.told_of gives, which its callers pass on."""
    source = ast.parse((ROOT / "customers" / "services.py").read_text(encoding="utf-8"))
    (told,) = (one for one in ast.walk(source) if isinstance(one, ast.FunctionDef) and one.name == "told_of")
    given = [one.value for one in ast.walk(told) if isinstance(one, ast.Yield)]
    return {ast.literal_eval(one.elts[0]) for one in given if isinstance(one, ast.Tuple)}


def test_whatever_is_written_on_a_timeline_has_its_words_and_its_sign():
    kinds = recorded() | told_of() | {STRUCK, REMOVED}
    assert kinds >= {"created", "contact_added", "form_submitted", "task_completed", "instance_failed"}
    assert kinds == set(TEXTS) == set(SIGNS)


def test_every_sign_is_drawn():
    drawn = set((ROOT.parent / "assets" / "icons.txt").read_text(encoding="utf-8").split())
    assert set(SIGNS.values()) <= drawn
