"""How does a test start a process of the product in no time? It is forked from one that has loaded the product already.

That `python run.py` itself starts is shown by tests/ops/test_run.py.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from config import ROOT

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    ["run", "app.views", "app.cli", "app.jobs", "app.models", "app.uses", "app.security.manager",
     "app.core.worker", "flask_appbuilder.security.sqla.manager", "gunicorn.workers.gthread"]
)  # fmt: skip


def forked(
    act: Callable[..., object], *given: Any, environ: Mapping[str, str] | None = None, log: Path | None = None
) -> ForkServerProcess:
    """A running process, leader of its own group, that does act(*given) and ends with what that returns (None: 0).

    `act` stands in a module. What it writes goes to the end of `log`.
    """
    # Not waited for when the tests end before it does.
    process = _LOADED.Process(target=_begin, args=(act, given, dict(environ or os.environ), log), daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess, patience: float) -> int:
    """The exit code of a process that ends within so many seconds; a signal's number is negative."""
    process.join(patience)
    code = process.exitcode
    assert code is not None, f"{process.name} does not end within {patience:.0f} s"
    return code


def _begin(act: Callable[..., object], given: tuple[Any, ...], environ: dict[str, str], log: Path | None) -> None:
    os.setsid()
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environ)
    if log is not None:
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    sys.exit(act(*given))  # type: ignore[arg-type]
