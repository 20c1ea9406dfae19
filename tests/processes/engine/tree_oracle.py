"""What is open in a block-structured process? Reads it off the block tree, with no tokens and no joins.

An opinion of its own beside the engine: after every completed task both must name the same open tasks.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import count


@dataclass(frozen=True)
class Task:
    id: str


@dataclass(frozen=True)
class Seq:
    """`whole` is the first part as it was before anything in it was done."""

    first: Block
    then: Block
    whole: Block | None = None


@dataclass(frozen=True)
class Then:
    """`first` is done, `left` is what is left of `then`; without `then` it is a part of `first` itself."""

    first: Block
    left: Block
    then: Block | None


@dataclass(frozen=True)
class Choose:
    """A task whose answer `<task>_c` picks one branch; the last one is the default."""

    task: str
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Some:
    """A task whose answers `<task>_b<n>` are 1 for each branch that is taken; the last one is the default."""

    task: str
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Par:
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Timed:
    """A task with a clock at its edge: once that strikes, `late` takes the place of the task."""

    task: str
    clock: str
    late: Block


@dataclass(frozen=True)
class Many:
    """A task that is done for each of `total` elements, at once or one after the other, until `needed` are done."""

    task: str
    total: int
    needed: int
    sequential: bool
    done: int = 0


@dataclass(frozen=True)
class Wait:
    clock: str


@dataclass(frozen=True)
class Race:
    """Several things are waited for at once; what happens first picks its branch, and the others happen no more. A
    name that begins with "hear" is a message, any other one a clock."""

    events: tuple[str, ...]
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Loop:
    """The body, then a task whose answer `<task>_again` is 1 for one more round; afterwards the exit task."""

    body: Block
    check: str
    exit: str


@dataclass(frozen=True)
class Checking:
    """What is left of a loop whose body is done."""

    loop: Loop


Block = Task | Seq | Then | Choose | Some | Par | Timed | Many | Wait | Race | Loop | Checking
Answers = Mapping[str, int]


def open_tasks(block: Block | None) -> list[str]:
    """The tasks that are open in what is left of a process."""
    match block:
        case Task(task) | Choose(task) | Some(task) | Timed(task):
            return [task]
        case Many(task, total, _needed, sequential, done):
            return [task] * (1 if sequential else total - done)
        case Seq(inner) | Then(_, inner) | Loop(inner):
            return open_tasks(inner)
        case Par(branches):
            return [task for branch in branches for task in open_tasks(branch)]
        case Checking(loop):
            return [loop.check]
    return []


def clocks(block: Block | None) -> list[str]:
    """The clocks that run in it."""
    return [event for event in awaited(block) if not event.startswith("hear")]


def heard(block: Block | None) -> list[str]:
    """The messages that are waited for in it."""
    return [event for event in awaited(block) if event.startswith("hear")]


def awaited(block: Block | None) -> list[str]:
    """What may happen in it by itself."""
    match block:
        case Timed(_, clock) | Wait(clock):
            return [clock]
        case Race(events):
            return list(events)
        case Seq(inner) | Then(_, inner) | Loop(inner):
            return awaited(inner)
        case Par(branches):
            return [event for branch in branches for event in awaited(branch)]
    return []


def rest(block: Block, done: str, answers: Answers) -> Block | None:
    """What is left after one of its open tasks was done, or one of its clocks has struck."""
    match block:
        case Task() | Wait():
            return None
        case Many(_task, _total, needed, _sequential, so_far):
            return None if so_far + 1 == needed else replace(block, done=so_far + 1)
        case Timed(task, _, late):
            return None if done == task else Then(block, late, None)
        case Race(events, branches):
            return Then(block, branches[events.index(done)], None)
        case Choose(task, branches):
            return Then(block, branches[min(answers[f"{task}_c"], len(branches) - 1)], None)
        case Some(task, branches):
            chosen = tuple(branch for n, branch in enumerate(branches[:-1]) if answers[f"{task}_b{n}"] == 1)
            return Then(block, Par(chosen or branches[-1:]), None)
        case Seq(first, then, whole):
            left, whole = rest(first, done, answers), whole or first
            return Then(whole, then, then) if left is None else Seq(left, then, whole)
        case Then(first, left, then):
            after = rest(left, done, answers)
            # One more round, or out of the loop: either way this round is over.
            return after if isinstance(left, Checking) or after is None else Then(first, after, then)
        case Par(branches):
            mine = [done in open_tasks(branch) + awaited(branch) for branch in branches]
            left_over = [rest(b, done, answers) if is_it else b for b, is_it in zip(branches, mine, strict=True)]
            going_on = tuple(branch for branch in left_over if branch is not None)
            return Par(going_on) if going_on else None
        case Loop(body):
            return rest(Seq(body, Checking(block)), done, answers)
        case Checking(loop):
            return loop if answers[f"{loop.check}_again"] == 1 else Then(loop, Task(loop.exit), None)


def always(block: Block) -> list[str]:
    """The tasks through which every way through the whole block leads."""
    match block:
        case Task(task) | Choose(task) | Some(task) | Timed(task) | Many(task):
            return [task]
        case Seq(first, then):
            return always(first) + always(then)
        case Loop(body, check, exit_task):
            return [*always(body), check, exit_task]
    return []


def ways_back(block: Block, task: str) -> set[str]:
    """The tasks to which an open task may be sent back."""
    match block:
        case Then(first, left):
            return ({*always(first)} | ways_back(left, task)) - {task}
        case Seq(inner) | Loop(inner):
            return ways_back(inner, task)
        case Par(branches):
            return next(ways_back(branch, task) for branch in branches if task in open_tasks(branch))
    return set()


def back(block: Block, task: str, to: str) -> Block:
    """What is left after an open task was sent back to one of its `ways_back`."""
    match block:
        case Then(first, left, then) if to in always(first) and to not in ways_back(left, task):
            again = beginning_at(first, to)
            return again if then is None else Seq(again, then, first)
        case Then(first, left, then):
            return Then(first, back(left, task, to), then)
        case Seq(first, then, whole):
            return Seq(back(first, task, to), then, whole or first)
        case Par(branches):
            return Par(tuple(back(b, task, to) if task in open_tasks(b) else b for b in branches))
        case Loop(body):
            return Seq(back(body, task, to), Checking(block), body)
    raise AssertionError(block)


def beginning_at(block: Block, task: str) -> Block:
    """What is left of a block of which everything before the task is done, and the task is open."""
    match block:
        case Seq(first, then):
            inner = task in always(first)
            return Seq(beginning_at(first, task), then, first) if inner else Then(first, beginning_at(then, task), then)
        case Loop(body, check, _exit) if task == check:
            return Then(body, Checking(block), Checking(block))
        case Loop(body, _check, exit_task) if task == exit_task:
            return Then(block, Task(exit_task), None)
        case Loop(body):
            return Seq(beginning_at(body, task), Checking(block), body)
    return block


def random_block(rng: random.Random, kinds: Collection[str], depth: int = 3) -> Block:
    """A random process of the given kinds (seq, xor, or, and, loop, timed, wait, race, many); each task its own id."""
    ids = count(1)

    def task() -> str:
        return f"t{next(ids)}"

    def block(levels: int) -> Block:
        kind = rng.choice([*kinds, "task"]) if levels else "task"
        if kind == "seq":
            return Seq(block(levels - 1), block(levels - 1))
        if kind == "xor":
            return Choose(task(), tuple(block(levels - 1) for _ in range(rng.randint(2, 3))))
        if kind == "and":
            return Par(tuple(block(levels - 1) for _ in range(rng.randint(2, 3))))
        if kind == "or":
            return Some(task(), tuple(block(levels - 1) for _ in range(rng.randint(2, 3))))
        if kind == "timed":
            return Timed(task(), f"edge{next(ids)}", block(levels - 1))
        if kind == "many":
            total = rng.randint(1, 4)
            return Many(task(), total, rng.randint(1, total), rng.random() < 0.4)
        if kind == "race":
            events = [f"{rng.choice(('hear', 'wait'))}{next(ids)}" for _ in range(rng.randint(2, 3))]
            return Race(tuple(events), tuple(block(levels - 1) for _ in events))
        if kind == "wait":
            return Wait(f"wait{next(ids)}")
        if kind == "loop":
            return Loop(block(levels - 1), task(), task())
        return Task(task())

    return Seq(block(depth), block(depth))


def events(block: Block) -> tuple[dict[str, str], dict[str, str]]:
    """The `timers` and `edges` of drawing.bpmn for a whole block."""
    timers: dict[str, str] = {}
    edges: dict[str, str] = {}

    def look(part: Block) -> None:
        match part:
            case Timed(task, clock, late):
                timers[clock], edges[clock] = "PT1H", task
                look(late)
            case Wait(clock):
                timers[clock] = "PT1H"
            case Race(events, branches):
                timers.update({event: "PT1H" for event in events if not event.startswith("hear")})
                for branch in branches:
                    look(branch)
            case Seq(first, then):
                look(first)
                look(then)
            case Choose(_, branches) | Some(_, branches) | Par(branches):
                for branch in branches:
                    look(branch)
            case Loop(body):
                look(body)

    look(block)
    return timers, edges


def messages(block: Block) -> dict[str, str]:
    """The `messages` of drawing.bpmn for a whole block; all of them are about `order`."""
    match block:
        case Race(events, branches):
            mine = {event: f"{event} order" for event in events if event.startswith("hear")}
            return mine | {event: how for branch in branches for event, how in messages(branch).items()}
        case Timed(_, _, late):
            return messages(late)
        case Seq(first, then):
            return messages(first) | messages(then)
        case Choose(_, branches) | Some(_, branches) | Par(branches):
            return {event: how for branch in branches for event, how in messages(branch).items()}
        case Loop(body):
            return messages(body)
    return {}


def several(block: Block) -> dict[str, str]:
    """The `many` of drawing.bpmn for a whole block."""
    match block:
        case Many(task, total, needed, sequential):
            return {task: f'{"sequential " if sequential else ""}collection="{total}" rule="{needed}"'}
        case Timed(_, _, late):
            return several(late)
        case Seq(first, then):
            return several(first) | several(then)
        case Choose(_, branches) | Some(_, branches) | Par(branches) | Race(_, branches):
            return {task: how for branch in branches for task, how in several(branch).items()}
        case Loop(body):
            return several(body)
    return {}


def arrows(block: Block) -> list[str]:
    """The same process as arrows from start to end, in the notation of drawing.bpmn."""
    drawn: list[str] = []
    ids = count(1)

    def link(source: str, target: str, condition: str = "") -> None:
        drawn.append(f"{source} > {target}{condition}")

    def draw(part: Block, before: str, condition: str = "") -> str:
        """Draw a block behind `before`; the element it ends with."""
        match part:
            case Task(task) | Many(task):
                link(before, task, condition)
                return task
            case Seq(first, then):
                return draw(then, draw(first, before, condition))
            case Choose(task, branches):
                split, merge = f"xor{next(ids)}", f"xor{next(ids)}"
                link(before, task, condition)
                link(task, split)
                for position, branch in enumerate(branches):
                    is_last = position == len(branches) - 1
                    link(draw(branch, split, " by default" if is_last else f" if {task}_c = {position}"), merge)
                return merge
            case Some(task, branches):
                split, merge = f"ior{next(ids)}", f"ior{next(ids)}"
                link(before, task, condition)
                link(task, split)
                for position, branch in enumerate(branches):
                    is_last = position == len(branches) - 1
                    link(draw(branch, split, " by default" if is_last else f" if {task}_b{position} = 1"), merge)
                return merge
            case Timed(task, clock, late):
                merge = f"xor{next(ids)}"
                link(before, task, condition)
                link(task, merge)
                link(draw(late, clock), merge)
                return merge
            case Wait(clock):
                link(before, clock, condition)
                return clock
            case Race(events, branches):
                race, merge = f"race{next(ids)}", f"xor{next(ids)}"
                link(before, race, condition)
                for event, branch in zip(events, branches, strict=True):
                    link(race, event)
                    link(draw(branch, event), merge)
                return merge
            case Par(branches):
                split, join = f"and{next(ids)}", f"and{next(ids)}"
                link(before, split, condition)
                for branch in branches:
                    link(draw(branch, split), join)
                return join
            case Loop(body, check, exit_task):
                merge, again = f"xor{next(ids)}", f"xor{next(ids)}"
                link(before, merge, condition)
                link(draw(body, merge), check)
                link(check, again)
                link(again, merge, f" if {check}_again = 1")
                link(again, exit_task, " by default")
                return exit_task
            case Checking() | Then():
                raise AssertionError("only what is left of a block")

    link(draw(block, "start"), "end")
    return drawn
