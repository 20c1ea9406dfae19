"""Whatever is done to a file: reading and checking answer with problems and never crash."""

from __future__ import annotations

import random
import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

import app.processes
from app.processes.engine.bpmn import read
from app.processes.engine.lint import Known, check

LIBRARY = Path(app.processes.__file__).parent / "library" / "giao-hang-cham.bpmn"
# Tags, attribute values and the texts between them: pieces that can be swapped without breaking the XML each time.
PIECES = re.compile(r'(<[^<>]*>|"[^"]*")')


def damaged(seed):
    """The library process with pieces lost, repeated or exchanged."""
    rng = random.Random(seed)
    pieces = PIECES.split(LIBRARY.read_text(encoding="utf-8"))
    for _ in range(rng.randint(1, 4)):
        position, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        damage = rng.choice(["lose", "repeat", "exchange", "copy", "swap values"])
        if damage == "lose":
            pieces[position] = ""
        elif damage == "repeat":
            pieces[position] *= 2
        elif damage == "exchange":
            pieces[position], pieces[other] = pieces[other], pieces[position]
        elif damage == "copy":
            pieces[position] = pieces[other]
        else:
            values = [found for piece in pieces for found in re.findall(r'(?<=")[^"]+(?=")', piece)]
            pieces[position] = re.sub(r'(?<=")[^"]+(?=")', lambda _: rng.choice(values), pieces[position])  # noqa: B023
    return "".join(pieces)


def answer_of(xml):
    definition, problems = read(xml)
    assert definition is not None or problems
    return problems + (check(definition, known=Known()) if definition else [])


@given(st.integers(min_value=0, max_value=2**32))
def test_damaged_process_is_answered_with_problems(seed):
    assert answer_of(damaged(seed))


@given(st.binary(max_size=300) | st.text(max_size=300))
@example(b"\xff\xfe<\x00")
@example("<?xml version='1.0' encoding='x'?>")
def test_anything_at_all_is_answered_with_problems(content):
    assert answer_of(content)
