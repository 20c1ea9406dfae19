"""What does one run of a process cost, whole history and all?

    python -m bench.engine [--runs 60] [--turns 5000]

Ten steps done by people, two choices, a block of two branches. Milliseconds of this process's CPU for a run, on SQLite:
the fastest and the middle of several, all of them in turn, and the middle of how often ours takes the other's time in
the same round. The fastest is held against the target: whatever else the machine does can only add to it. Everybody
keeps what he has after each step in a transaction of its own, in a file that is written ahead (WAL,
synchronous=NORMAL), and reads it from there before the next:

- ours through the services that people's clicks go through, whole: who may do it, whose work the next step is and by
  when, the history of process and task, the audit log, what is shown to whom;
- the floor: the same statements with the same values and foreign keys in bare sqlite3;
- the floor of the rows alone: only what changes tokens, tasks, the instance and the history, by its keys; no rights, no
  audit log, no index beyond the keys. What an engine without a product around it would write;
- the pure engine alone, nothing kept;
- SpiffWorkflow, whose whole state is one JSON text, read and written at each step; no history, no list of work.

Which task is open is asked past the measure. Then a loop with an approval, many turns: is the last one as quick
as the first? Issue 8 asks 20 ms and a flat loop.
"""

from __future__ import annotations

import argparse
import gc
import logging
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import event

from app.core.access import SYSTEM, Actor
from app.core.db import db, transaction
from app.demo import people
from app.processes import drawing, queries, services
from app.processes.engine import bpmn
from app.processes.engine.core import decide
from app.processes.engine.events import Complete, Start
from app.processes.engine.graph import Definition
from app.processes.engine.state import State, TokenState
from app.tasks.services import complete_task
from config import TestConfig

_TARGET = 20.0
_CODE = "do-toc-do"
_STEPS = ("t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10")
_ARROWS = (
    ("start", "t1", ""), ("t1", "t2", ""), ("t2", "x1", ""), ("x1", "t3", "amount > 5"), ("x1", "o1", "default"),
    ("o1", "m1", ""), ("t3", "m1", ""), ("m1", "p1", ""), ("p1", "t4", ""), ("t4", "t5", ""), ("t5", "p2", ""),
    ("p1", "t6", ""), ("t6", "t7", ""), ("t7", "p2", ""), ("p2", "t8", ""), ("t8", "x2", ""),
    ("x2", "t9", "amount > 7"), ("x2", "o2", "default"), ("o2", "m2", ""), ("t9", "m2", ""), ("m2", "t10", ""),
    ("t10", "end", ""),
)  # fmt: skip
_LOOP = (
    ("start", "m1", ""), ("m1", "t1", ""), ("t1", "a1", ""), ("a1", "x1", ""), ("x1", "end", "a1.outcome = 'reject'"),
    ("x1", "m1", "default"),
)  # fmt: skip
_KINDS = {"start": "startEvent", "end": "endEvent", "t": "userTask", "a": "userTask", "o": "userTask",
          "x": "exclusiveGateway", "m": "exclusiveGateway", "p": "parallelGateway"}  # fmt: skip
#: an approval: by the head of the team, who must not have done what he approves
_APPROVED = 'assign="head" notBy="t1" outcomes="approve,reject" due="PT1H"'


def drawn(code: str, arrows: Sequence[tuple[str, str, str]]) -> str:
    """BPMN of these arrows: (from, to, condition or "default")."""
    ids = dict.fromkeys(one for source, target, _condition in arrows for one in (source, target))
    defaults = {source: f"f{at}" for at, (source, _target, said) in enumerate(arrows) if said == "default"}
    elements = []
    for one in ids:
        kind = _KINDS.get(one) or _KINDS[one[0]]
        default = f' default="{defaults[one]}"' if one in defaults else ""
        said = _APPROVED if one[0] == "a" else 'assign="initiator" due="PT1H"'
        task = f"<extensionElements><tt:task {said} /></extensionElements>"
        elements.append(f'<{kind} id="{one}" name="{one}"{default}>{task if kind == "userTask" else ""}</{kind}>')
    for at, (source, target, said) in enumerate(arrows):
        condition = f"<![CDATA[{said}]]>" if said not in ("", "default") else ""
        expression = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
        elements.append(
            f'<sequenceFlow id="f{at}" sourceRef="{source}" targetRef="{target}">{expression}</sequenceFlow>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:tt="https://tantam.vn/schema/bpmn/1" targetNamespace="https://tantam.vn/">'
        f'<process id="{code}" name="{code}" isExecutable="true">{"".join(elements)}</process></definitions>'
    )


def timed(what: Callable[[], Any]) -> float:
    """CPU ms of it, once."""
    began = time.process_time()
    what()
    return (time.process_time() - began) * 1000


def in_turns(each: Sequence[Callable[[], float]], runs: int) -> list[list[float]]:
    """The CPU ms of each, so many times: one of each, then the next of each, so that whatever slows the machine for a
    while slows all of them. The first round is not counted."""
    rounds = [[one() for one in each] for _round in range(runs + 1)]
    return [list(times) for times in zip(*rounds[1:], strict=True)]


# ── ours ──
def publish(code: str, arrows: Sequence[tuple[str, str, str]]) -> None:
    with transaction(SYSTEM) as session:
        process = drawing.create_process(session, code=code, name="Đo tốc độ", by=SYSTEM)
        drawing.save_draft(session, process, drawn(code, arrows), by=SYSTEM)
        drawing.publish_process(session, process, by=SYSTEM)


def begin(code: str, lan: Actor) -> int:
    with transaction(lan) as session:
        process = queries.process_by_code(session, code)
        assert process is not None
        return services.start_instance(session, process, by=lan, data={"amount": 9, "note": "x" * 200}).id


def finish(task_id: int, who: Actor, outcome: str | None = None) -> None:
    with transaction(who) as session:
        complete_task(session, task_id, by=who, outcome=outcome)


_OPEN = "SELECT id FROM task WHERE owner_type = 'instance' AND owner_id = ? AND completed_at IS NULL ORDER BY id"


def open_tasks(beside: sqlite3.Connection, instance_id: int) -> list[int]:
    """Asked past what is measured: whoever clicks has the task before him."""
    return [number for (number,) in beside.execute(_OPEN, (instance_id,))]


def one_run(lan: Actor, beside: sqlite3.Connection) -> int:
    instance_id, done = begin(_CODE, lan), 0
    while tasks := open_tasks(beside, instance_id):
        finish(tasks[0], lan)
        done += 1
    assert done == len(_STEPS), done
    return instance_id


# ── the floor: the same statements, without us ──
def recorded(engine: Any, run: Callable[[], Any]) -> list[tuple[str, Any, bool]]:
    """Every statement of one run, as the driver gets it."""
    told: list[tuple[str, Any, bool]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        told.append((statement, parameters, many))

    event.listen(engine, "before_cursor_execute", note)
    for name, words in (("commit", "COMMIT"), ("rollback", "ROLLBACK")):
        event.listen(engine, name, lambda _connection, words=words: told.append((words, (), False)))
    run()
    event.remove(engine, "before_cursor_execute", note)
    return list(told)


#: what an engine cannot do without: its own rows and the tasks
_ENGINE = re.compile(
    r"BEGIN|COMMIT|(INSERT INTO|UPDATE|DELETE FROM|SELECT) .*?(process_instance|process_token|process_event|task) "
)
_INDEXES = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"


def bare(told: Sequence[tuple[str, Any, bool]]) -> list[tuple[str, Any, bool]]:
    """The statements that write or read the engine's own rows."""
    return [one for one in told if _ENGINE.match(" ".join(one[0].split()))]


def replay(file: Path, told: Sequence[tuple[str, Any, bool]], *, keys_only: bool = False) -> float:
    """CPU ms of these statements in bare sqlite3, on a database as it was before. `keys_only`: without the indexes and
    foreign keys of the product."""
    copy = file.with_name("copy.db")
    shutil.copy(file, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"foreign_keys={'OFF' if keys_only else 'ON'}"):
            connection.execute(f"PRAGMA {pragma}")
        for (index,) in connection.execute(_INDEXES).fetchall() if keys_only else ():
            connection.execute(f"DROP INDEX {index}")
        took = timed(lambda: _execute(connection, told))
    copy.unlink()
    return took


def _execute(connection: sqlite3.Connection, told: Sequence[tuple[str, Any, bool]]) -> None:
    for statement, parameters, many in told:
        if statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            if statement.startswith("BEGIN") is not connection.in_transaction:
                connection.execute(statement)
            continue
        run = connection.executemany if many else connection.execute
        run(statement, parameters).fetchall()


# ── the engine alone, and the other one ──
def pure(definition: Definition) -> None:
    state = decide(definition, State(), Start({"amount": 9}), today=_TODAY).state
    while waiting := [token for token in state.tokens if token.state is TokenState.waiting]:
        state = decide(definition, state, Complete(waiting[0].id), today=_TODAY).state


_TODAY = date(2026, 11, 23)


def spiff(folder: Path) -> Callable[[], None]:
    """A run of SpiffWorkflow that keeps its state after each step: the whole of it as JSON in a row."""
    from SpiffWorkflow.bpmn.parser import BpmnParser
    from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
    from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
    from SpiffWorkflow.util.task import TaskState as Spiff

    for name in ("spiff.task", "spiff.workflow", "spiff"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it logs every change of state
    parser = BpmnParser()
    parser.add_bpmn_str(drawn("spiff", _ARROWS).encode())
    spec, serializer = parser.get_spec("spiff"), BpmnWorkflowSerializer()
    connection = sqlite3.connect(folder / "spiff.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE run (id INTEGER PRIMARY KEY, state TEXT)")

    def run() -> None:
        workflow, done = BpmnWorkflow(spec), 0
        workflow.data["amount"] = 9
        for task in workflow.get_tasks(state=Spiff.READY):
            task.data["amount"] = 9
        workflow.do_engine_steps()
        number = connection.execute(
            "INSERT INTO run (state) VALUES (?)", (serializer.serialize_json(workflow),)
        ).lastrowid
        while not workflow.is_completed():
            text = connection.execute("SELECT state FROM run WHERE id = ?", (number,)).fetchone()[0]
            workflow = serializer.deserialize_json(text)
            workflow.get_tasks(state=Spiff.READY, manual=True)[0].run()
            workflow.do_engine_steps()
            connection.execute("UPDATE run SET state = ? WHERE id = ?", (serializer.serialize_json(workflow), number))
            done += 1
        assert done == len(_STEPS), done

    return run


def turns(lan: Actor, minh: Actor, beside: sqlite3.Connection, count: int) -> Iterator[tuple[int, float]]:
    """How long the turns of a loop take, a step and its approval: (turn, CPU ms in the middle of 100 around it)."""
    instance_id, times = begin(f"{_CODE}-vong", lan), []
    for turn in range(1, count + 1):
        took = 0.0
        for who, outcome in ((lan, None), (minh, "approve")):
            (task_id,) = open_tasks(beside, instance_id)
            began = time.process_time()
            finish(task_id, who, outcome)
            took += time.process_time() - began
        times.append(took * 1000)
        if turn in {100, count // 2, count}:
            yield turn, median(times[-100:])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--turns", type=int, default=5000)
    asked = parser.parse_args(arguments)
    from app import create_app
    from app.cli import prepare
    from app.core.db import Model
    from app.security.queries import actor_of, member_by_username
    from app.security.services import hash_password

    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        app = create_app(TestConfig(folder, SQLITE_SYNCHRONOUS="NORMAL"))
        with app.app_context():
            Model.metadata.create_all(db.engine)
            prepare()
            with transaction(SYSTEM) as session:
                people.hire(session, people.PEOPLE, password_hash=hash_password("Sen-2026-thom", "pbkdf2:sha256:1"))
            publish(_CODE, _ARROWS)
            publish(f"{_CODE}-vong", _LOOP)
            gc.freeze()  # as a worker does before it serves (run.py)
            gc.set_threshold(20_000, 20, 20)
            members = [member_by_username(db.session(), name) for name in ("lan", "minh")]
            lan, minh = (actor_of(db.session(), one) for one in members if one is not None)
            db.session.rollback()
            with closing(sqlite3.connect(str(db.engine.url.database), isolation_level=None)) as beside:
                return 0 if report(lan, minh, beside, folder, runs=asked.runs, count=asked.turns) else 1


def report(lan: Actor, minh: Actor, beside: sqlite3.Connection, folder: Path, *, runs: int, count: int) -> bool:
    """Print the table. False: something is over its target."""
    one_run(lan, beside)
    file = folder / "before.db"
    with closing(sqlite3.connect(str(db.engine.url.database))) as source, closing(sqlite3.connect(file)) as copy:
        source.backup(copy)
    definition, _problems = bpmn.read(drawn(_CODE, _ARROWS))
    assert definition is not None
    told = recorded(db.engine, lambda: one_run(lan, beside))
    own, peer = bare(told), spiff(folder)
    rows: list[tuple[str, Callable[[], float], int]] = [
        ("ours, whole history", lambda: timed(lambda: one_run(lan, beside)), len(told)),
        ("SpiffWorkflow 3.2.0, state as JSON, no history", lambda: timed(peer), 0),
        ("the same statements in bare sqlite3", lambda: replay(file, told), len(told)),
        ("of them the engine's rows, by their keys alone", lambda: replay(file, own, keys_only=True), len(own)),
        ("our engine alone, nothing kept", lambda: timed(lambda: pure(definition)), 0),
    ]
    measured = in_turns([one for _name, one, _statements in rows], runs)
    print(f"{'a run of 10 steps, CPU ms':<50}{'fastest':>8}{'middle':>8}{'ours to it':>12}{'statements':>12}")
    for (name, _one, statements), times in zip(rows, measured, strict=True):
        ratio = median(mine / its for mine, its in zip(measured[0], times, strict=True))
        print(f"{name:<50}{min(times):>8.1f}{median(times):>8.1f}{ratio:>12.2f}{statements or '':>12}", flush=True)
    ours = min(measured[0])
    print(f"{'the target, by the fastest':<50}{_TARGET:>8g}  {'ok' if ours <= _TARGET else 'OVER'}")
    found = list(turns(lan, minh, beside, count))
    flat = found[-1][1] <= 1.3 * found[0][1]
    said = ", ".join(f"turn {turn}: {cpu:.2f} ms" for turn, cpu in found)
    print(f"{'a loop, the middle of the 100 turns before':<50}{said}  {'flat' if flat else 'NOT FLAT'}")
    return flat and ours <= _TARGET


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
