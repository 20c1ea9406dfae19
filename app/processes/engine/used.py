"""For what does a drawing make use of the answer to a question?"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum, auto

from app.processes.engine.graph import AssignKind, AssignRule, Definition, Node
from app.processes.engine.http import HttpSpec
from app.processes.engine.outside import MailSpec, MessageSpec, SetSpec, TellSpec, keys_asked


class Use(StrEnum):
    """goes: which way it takes; gives: to whom a step is given; repeats: how often one is done; waits: until when, or
    for which message; mails: to whom it writes, or what; sets: what it writes down; calls: what it sends to a program;
    tells: to another process; hands: to a linked one."""

    goes = auto()
    gives = auto()
    repeats = auto()
    waits = auto()
    mails = auto()
    sets = auto()
    calls = auto()
    tells = auto()
    hands = auto()


def uses_of(process: Definition, keys: Collection[str]) -> list[Use]:
    """Of what is kept under one of these keys, or is a part of it (`address.ward`)."""
    found = {use for node in process.nodes.values() for use in _of_node(node, keys)}
    if any(flow.condition is not None and _among(flow.condition.keys, keys) for flow in process.flows.values()):
        found.add(Use.goes)
    return [use for use in Use if use in found]


def writes_to(process: Definition, field: str) -> bool:
    """Does it set this field of the customer (`customer.own.dish`)?"""
    return any(
        target == field for node in process.nodes.values() if isinstance(node.outside, SetSpec)
        for target, _value in node.outside.values
    )  # fmt: skip


def _of_node(node: Node, keys: Collection[str]) -> set[Use]:
    found: dict[Use, Collection[str]] = {Use.gives: _named(node.assignment)}
    if node.many is not None:
        over = node.many.over
        found[Use.repeats] = _named(over) if isinstance(over, AssignRule) else [over] if isinstance(over, str) else ()
    asked = list(keys_asked(node.outside))
    found[Use.waits] = [*(asked if isinstance(node.outside, MessageSpec) else ()),
                        *([node.timer.key] if node.timer is not None and node.timer.key else ())]  # fmt: skip
    found[Use.mails] = asked if isinstance(node.outside, MailSpec) else ()
    found[Use.sets] = asked if isinstance(node.outside, SetSpec) else ()
    found[Use.calls] = asked if isinstance(node.outside, HttpSpec) else ()
    found[Use.tells] = asked if isinstance(node.outside, TellSpec) else ()
    found[Use.hands] = [key for _to, key in node.call.takes] if node.call is not None else ()
    return {use for use, named in found.items() if _among(named, keys)}


def _named(rule: AssignRule | None) -> Collection[str]:
    return [rule.value] if rule is not None and rule.kind is AssignKind.field and rule.value else ()


def _among(named: Collection[str], keys: Collection[str]) -> bool:
    return any(one == key or one.startswith(f"{key}.") for one in named for key in keys)
