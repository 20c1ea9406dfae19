"""How does a test let several people act at the same moment?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

from flask import Flask

from app.core import clock
from app.core.db import db


def at_once(app: Flask, calls: Sequence[Callable[[], Any]], *, moment: datetime | None = None) -> list[Any]:
    """Call them all at the same time, each in a thread with a session of its own; their results or errors, in order."""
    together = Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        with ExitStack() as stack:
            if moment is not None:
                stack.enter_context(clock.at(moment))  # a thread begins with no clock set
            stack.enter_context(app.app_context())
            together.wait(30)
            try:
                results[place] = call()
            except Exception as error:  # noqa: BLE001 - the test says which errors it expects
                results[place] = error
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "threads wait for each other"
    return results
