"""How does a test let several people act at the same moment?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

from flask import Flask

from app.core import clock
from app.core.db import db


def at_once(app: Flask, calls: Sequence[Callable[[], Any]], *, moment: datetime | None = None) -> list[Any]:
    """Call them all at the same time, each in a thread with a session of its own; their results or errors, in order.

    It is `moment` for them, or what it is for the caller: a thread begins with no clock set, and would live
    hours or years after the sign-in it was handed.
    """
    moment = moment or clock.now()
    together = Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        with clock.at(moment), app.app_context():
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
