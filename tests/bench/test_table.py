"""Does `make bench` print its table?"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import CASES, PACE, Case, Measured, Target
from bench.load import Load

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_quick_run_prints_a_row_for_every_case():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bench", "--quick", "--database", "sqlite", "--port", str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode in (0, 1), done.stderr
    rows = [line for line in done.stdout.splitlines() if re.search(r" \d+ +\d+\.\d +\d+\.\d +\d+\.\d +\d+ ", line)]
    assert [row[:40].strip() for row in rows] == [case.page for case in (PACE, *CASES)], done.stderr


def test_a_row_tells_what_misses_its_target():
    load = Load(requests=100, seconds=2.0, p50=10.0, p95=12.0, bytes=200 * 1024, status=200)
    case = Case("customer list", "/", "lan", Target(queries=8, cpu=12, per_second=60, p50=9))
    assert list(Measured(case, 9, 12.5, load, load, 100.0).problems()) == ["queries", "CPU", "req/s", "p50", "size"]
    easy = Case("customer list", "/", "lan", Target(queries=9, cpu=13, per_second=50, p50=10, size=None))
    assert list(Measured(easy, 9, 12.5, load, load, 100.0).problems()) == []


def test_a_slow_hour_of_the_machine_is_taken_off_before_a_row_is_compared():
    load = Load(requests=100, seconds=2.0, p50=10.0, p95=12.0, bytes=1024, status=200)
    case = Case("customer list", "/", "lan", Target(cpu=12, per_second=75, p50=8))
    assert list(Measured(case, 2, 18.0, load, load, 100.0, slowness=1.5).problems()) == []
    assert list(Measured(case, 2, 18.1, load, load, 100.0, slowness=1.4).problems()) == ["CPU", "req/s"]
