"""What is open in a block-structured process? Reads it off the block tree, with no tokens and no joins.

An opinion of its own beside the engine: after every completed task both must name the same open tasks.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True)
class Task:
    id: str


@dataclass(frozen=True)
class Seq:
    first: Block
    then: Block


@dataclass(frozen=True)
class Choose:
    """A task whose answer `<task>_c` picks one branch; the last one is the default."""

    task: str
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Par:
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


Block = Task | Seq | Choose | Par | Loop | Checking
Answers = Mapping[str, int]


def open_tasks(block: Block | None) -> list[str]:
    """The tasks that are open in what is left of a process."""
    match block:
        case None:
            return []
        case Task(task) | Choose(task):
            return [task]
        case Seq(first):
            return open_tasks(first)
        case Par(branches):
            return [task for branch in branches for task in open_tasks(branch)]
        case Loop(body):
            return open_tasks(body)
        case Checking(loop):
            return [loop.check]


def rest(block: Block, done: str, answers: Answers) -> Block | None:
    """What is left after one of its open tasks was done."""
    match block:
        case Task():
            return None
        case Choose(task, branches):
            return branches[min(answers[f"{task}_c"], len(branches) - 1)]
        case Seq(first, then):
            left = rest(first, done, answers)
            return then if left is None else Seq(left, then)
        case Par(branches):
            left_over = [rest(b, done, answers) if done in open_tasks(b) else b for b in branches]
            going_on = tuple(branch for branch in left_over if branch is not None)
            return Par(going_on) if going_on else None
        case Loop(body):
            return rest(Seq(body, Checking(block)), done, answers)
        case Checking(loop):
            return loop if answers[f"{loop.check}_again"] == 1 else Task(loop.exit)


def random_block(rng: random.Random, kinds: Collection[str], depth: int = 3) -> Block:
    """A random process of the given kinds (seq, xor, and, loop), each task with an id of its own."""
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
        if kind == "loop":
            return Loop(block(levels - 1), task(), task())
        return Task(task())

    return Seq(block(depth), block(depth))


def arrows(block: Block) -> list[str]:
    """The same process as arrows from start to end, in the notation of drawing.bpmn."""
    drawn: list[str] = []
    ids = count(1)

    def link(source: str, target: str, condition: str = "") -> None:
        drawn.append(f"{source} > {target}{condition}")

    def draw(part: Block, before: str, condition: str = "") -> str:
        """Draw a block behind `before`; the element it ends with."""
        match part:
            case Task(task):
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
            case Checking():
                raise AssertionError("only what is left of a loop")

    link(draw(block, "start"), "end")
    return drawn
