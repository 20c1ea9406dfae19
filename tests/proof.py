"""How much was proved? What random proofs have tried is counted where they try it, and told below the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

_counts: Counter[str] = Counter()


def tried(what: str, times: int = 1) -> None:
    """So many more of this were tried by the test that runs now: "runs beside the block tree"."""
    _counts[what] += times


class Told:
    """Adds up what the passed tests have counted, whichever process they ran in."""

    def __init__(self) -> None:
        self._all: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        _counts.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]):
        if call.when == "call":
            item.user_properties.extend(("tried", pair) for pair in _counts.items())
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self._add(pair for name, pair in report.user_properties if name == "tried")

    def _add(self, pairs: Iterable[tuple[str, int]]) -> None:
        for what, times in pairs:
            self._all[what] += times

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._all:
            terminalreporter.section("what was tried, and held")
            for what, times in sorted(self._all.items()):
                terminalreporter.write_line(f"{times:>9,} {what}")
