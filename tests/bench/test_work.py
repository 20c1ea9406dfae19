"""Do the measurements run that make a company of their own, and do they tell what they found?"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_planted_doubles_are_found_in_a_database_as_the_worker_looks(database):
    told = run("bench.duplicates", "--database", database, "--customers", "600", "--pairs", "30")
    found = re.search(r"600 customers, 30 planted, \d+ found: recall ([\d.]+)%", told)
    assert found, told
    assert float(found[1]) >= 95
    assert f"{database}, the next night" in told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_work_with_customers_is_told_beside_its_floor_and_nobody_is_forgotten():
    told = run("bench.customers", "--customers", "600", "--edited", "300")
    assert "applied: {'changed': 300}" in told
    assert "undone: {'changed': 300, 'undone': 300}" in told
    rows = re.findall(r"^(floor|peer|segment|bulk|and|a customer).+ \d+\.\d\d +\d+\.\d\d", told, re.MULTILINE)
    assert [row for row in rows if row == "floor"] == ["floor"] * 3
    assert len(rows) == 11


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_forms_are_drawn_filled_in_and_found_beside_their_floors():
    told = run("bench.forms", "--fields", "20", "--submissions", "300", "--drawn", "5")
    rows = re.findall(r"^(floor|a form|the list|filtered|its charts|builder).+? \d+\.\d\d", told, re.MULTILINE)
    assert [row for row in rows if row == "floor"] == ["floor"] * 4
    assert {kind: rows.count(kind) for kind in rows} == {
        "floor": 4, "a form": 5, "the list": 1, "filtered": 5, "its charts": 1, "builder": 7,
    }  # fmt: skip
