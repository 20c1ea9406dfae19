"""May a running instance go on by another drawing of its process, and where does each branch stand then?

Every element goes to the one of the same id, or to the one that was named for it. Nothing is opened anew: a branch
rests on the same kind of element as before, and what waits at a join belongs to the flow that comes from the same step,
or else to the one of the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from app.processes.engine import soundness, waits
from app.processes.engine.events import DisarmTimer, EngineRefusal, Migrate, Migrated, Refusal, Unsubscribe
from app.processes.engine.graph import Definition, Node, NodeKind
from app.processes.engine.state import Data, IncidentCode, InstanceStatus, State, Timer, Token, TokenState

if TYPE_CHECKING:
    from app.processes.engine.core import _Turn


class Obstacle(StrEnum):
    """Why an instance cannot be moved."""

    not_running = auto()
    several_asked = auto()
    step_gone = auto()
    other_kind = auto()
    other_process = auto()
    done_gone = auto()
    done_changed = auto()
    two_become_one = auto()
    way_gone = auto()
    cannot_wait = auto()
    join_left_dead = auto()
    no_end_left = auto()
    cannot_tell = auto()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, and about what: the element of the old drawing, or of the new one where only that knows it, and its name."""

    code: Obstacle
    element: str = ""
    name: str = ""


def reasons(
    old: Definition, new: Definition, state: State, names: Mapping[str, str], been: Collection[str], *, today: date
) -> tuple[Reason, ...]:
    """Why an instance that stands there by `old` cannot go on by `new`; nothing where it can.

    `names` are the elements that are called otherwise there, `been` the steps that were done. The name of a step that
    was done goes over to what was answered there, so it must be there still, and must be a step.
    """
    if state.status is not InstanceStatus.running:
        return (Reason(Obstacle.not_running),)
    found = [*_of_tokens(old, new, state, names, today), *_of_the_past(old, new, state, names, been)]
    return tuple(dict.fromkeys(found or _of_the_end(old, new, state, names)))


def _of_tokens(
    old: Definition, new: Definition, state: State, names: Mapping[str, str], today: date
) -> Iterator[Reason]:
    data = _moved_data(old, names, state.data)
    for token in state.tokens:
        node = old.nodes[token.node]
        target = new.nodes.get(_to(names, node.id))
        about = node.id, node.title
        if token.outer or token.state is TokenState.gathering:
            yield Reason(Obstacle.several_asked, *about)
        elif target is None:
            yield Reason(Obstacle.step_gone, *about)
        elif _sort(node) != _sort(target):
            yield Reason(Obstacle.other_kind, *about)
        elif node.call is not None and target.call is not None and node.call.process != target.call.process:
            yield Reason(Obstacle.other_process, *about)
        elif _way(old, new, names, token, target) is None:
            yield Reason(Obstacle.way_gone, *about)
        elif any(
            isinstance(waits.moment_or_key(event, data, today), IncidentCode)
            for event in _to_begin(old, new, names, token, target)
        ):
            yield Reason(Obstacle.cannot_wait, *about)


def _of_the_past(
    old: Definition, new: Definition, state: State, names: Mapping[str, str], been: Collection[str]
) -> Iterator[Reason]:
    for step in been:
        target, node = new.nodes.get(_to(names, step)), old.nodes.get(step)
        name = node.title if node is not None else step
        if target is None:
            yield Reason(Obstacle.done_gone, step, name)
        elif target.kind is not NodeKind.user_task:
            yield Reason(Obstacle.done_changed, step, name)
    came: dict[str, str] = {}
    for one in sorted(_used(old, state) | set(been)):
        other = came.setdefault(_to(names, one), one)
        if other != one:
            yield Reason(Obstacle.two_become_one, one, old.nodes[one].title if one in old.nodes else one)


def _of_the_end(old: Definition, new: Definition, state: State, names: Mapping[str, str]) -> Iterator[Reason]:
    """A join must not be left waiting; but what was never sound before may go on as unsound as it was."""
    try:
        stuck = soundness.left_over(new, _flows(new, _moved_tokens(old, new, state, names)))
        if stuck is None or soundness.left_over(old, _flows(old, state.tokens)) is not None:
            return
    except ValueError:
        if not _looks_alike(old, new, names):
            yield Reason(Obstacle.cannot_tell)
        return
    node = new.nodes[stuck]
    yield Reason(Obstacle.join_left_dead if node.is_join else Obstacle.no_end_left, node.id, node.title)


def _looks_alike(old: Definition, new: Definition, names: Mapping[str, str]) -> bool:
    """Whether the same arrows lead between the same elements, whatever these are called."""

    def arrows(one: Definition, called: Mapping[str, str]) -> list[tuple[str, str]]:
        return sorted((_to(called, flow.source), _to(called, flow.target)) for flow in one.flows.values())

    kinds = {_to(names, node.id): _sort(node) for node in old.nodes.values()}
    return arrows(old, names) == arrows(new, {}) and kinds == {node.id: _sort(node) for node in new.nodes.values()}


def _flows(definition: Definition, tokens: Collection[Token]) -> Iterator[str]:
    for token in tokens:
        ins = definition.nodes[token.node].ins
        yield token.via if token.via in ins else ins[0]


# ── it goes over ──
def migrate(turn: _Turn, event: Migrate) -> None:
    """The instance stands in `turn.definition` from now on. Raises EngineRefusal cannot_migrate."""
    old, new, names, state = event.source, turn.definition, dict(event.map), turn.before
    against = reasons(old, new, state, names, event.been, today=turn.today)
    if against:
        raise EngineRefusal(Refusal.cannot_migrate, against[0].code)
    tokens = _moved_tokens(old, new, state, names)
    keep_timers = {one.id for one in state.timers if _stays(new, names, state, one.token, one.node)}
    keep_messages = {
        one.id for one in state.subscriptions
        if _stays(new, names, state, one.token, one.node) and _message(new, _to(names, one.node)) == one.name
    }  # fmt: skip
    turn.commands += [DisarmTimer(one.id, one.node) for one in state.timers if one.id not in keep_timers]
    turn.commands += [Unsubscribe(one.id, one.node) for one in state.subscriptions if one.id not in keep_messages]
    known = (
        _used(old, state)
        | set(event.been)
        | {one.node for one in state.timers}
        | {one.node for one in state.subscriptions}
    )
    changed = {one: _to(names, one) for one in sorted(known) if _to(names, one) != one}
    turn.commands.append(Migrated(event.from_version, event.to_version, changed, event.reason))
    turn.tokens = {token.id: token for token in tokens}
    turn.data = _moved_data(old, names, state.data)
    turn.timers = {one.id: replace(one, node=_to(names, one.node)) for one in state.timers if one.id in keep_timers}
    turn.subscriptions = {
        one.id: replace(one, node=_to(names, one.node)) for one in state.subscriptions if one.id in keep_messages
    }
    for before, token in zip(state.tokens, tokens, strict=True):
        begun = [*_to_begin(old, new, names, before, new.nodes[token.node])]
        gone = [one for one in state.subscriptions if one.token == token.id and one.id not in keep_messages]
        begun += [new.nodes[_to(names, one.node)] for one in gone if _stays(new, names, state, one.token, one.node)]
        turn._arm_all([(one, str(waits.moment_or_key(one, turn.data, turn.today))) for one in begun], token.id)
    if event.anew:
        _wind_anew(turn, [turn.timers[number] for number in sorted(keep_timers)])
    for node in new.nodes.values():
        if node.kind is NodeKind.parallel_gateway and node.is_join:
            turn._fire_if_complete(node)
    if turn.moving or turn._go_on_at_joins():
        turn._settle()


def _wind_anew(turn: _Turn, running: Collection[Timer]) -> None:
    """The clocks begin again, as the new drawing has them."""
    for timer in running:
        node = turn.definition.nodes[timer.node]
        found = waits.moment_or_key(node, turn.data, turn.today)
        if isinstance(found, IncidentCode) or node.timer is None:
            continue
        del turn.timers[timer.id]
        turn.commands.append(DisarmTimer(timer.id, timer.node))
        turn._arm(node, timer.token, node.timer.times, found)


def _moved_tokens(old: Definition, new: Definition, state: State, names: Mapping[str, str]) -> list[Token]:
    moved = []
    for token in state.tokens:
        node = _to(names, token.node)
        moved.append(replace(token, node=node, via=_way(old, new, names, token, new.nodes[node]) or ""))
    return moved


def _way(old: Definition, new: Definition, names: Mapping[str, str], token: Token, target: Node) -> str | None:
    """By which flow it came there: from the same step, else of the same id; None where a join does not tell. A step to
    which work was sent back was reached by none."""
    if not token.via:
        return token.via
    source = _to(names, old.flows[token.via].source)
    there = [flow for flow in target.ins if new.flows[flow].source == source]
    if token.via in (there or target.ins):
        return token.via
    if token.state is TokenState.joining:
        return there[0] if len(there) == 1 else None
    return next(iter([*there, *target.ins]), None)


def _to_begin(old: Definition, new: Definition, names: Mapping[str, str], token: Token, target: Node) -> list[Node]:
    """What is waited for there by the new drawing, and was not by the old one."""
    if token.state not in (TokenState.waiting, TokenState.listening):
        return []
    before = {_to(names, event.id) for event in waits.armed_at(old, old.nodes[token.node])}
    return [event for event in waits.armed_at(new, target) if event.id not in before]


def _stays(new: Definition, names: Mapping[str, str], state: State, token: int, node: str) -> bool:
    """Whether what is waited for at that element is waited for by the new drawing too, at the same place."""
    target, event = _to(names, next(one.node for one in state.tokens if one.id == token)), _to(names, node)
    here = next((one for one in waits.armed_at(new, new.nodes[target]) if one.id == event), None)
    return here is not None and (here.timer is not None) == any(one.node == node for one in state.timers)


def _message(definition: Definition, node: str) -> str:
    spec = definition.nodes[node].message
    return spec.name if spec else ""


def _sort(node: Node) -> tuple[object, ...]:
    """What an element is, as far as a branch rests on it."""
    return node.kind, node.timer is None, type(node.outside), node.many is None, node.takes_time, node.runs_errands


def _used(old: Definition, state: State) -> set[str]:
    """The elements on which the instance rests, and those whose own values it holds."""
    held = {old.step_named_in(key) for key in state.data}
    return {token.node for token in state.tokens} | {one for one in held if one is not None}


def _moved_data(old: Definition, names: Mapping[str, str], data: Data) -> Data:
    """What was answered at a step stands under the name that the step has there."""
    return {_renamed(old, names, key): value for key, value in data.items()}


def _renamed(old: Definition, names: Mapping[str, str], key: str) -> str:
    step = old.step_named_in(key)
    return key if step is None else _to(names, step) + key[len(step) :]


def _to(names: Mapping[str, str], element: str) -> str:
    return names.get(element, element)
