"""What does PostgreSQL spend on a request? Of its own processes, which a worker's CPU time says nothing of."""

from __future__ import annotations

from contextlib import suppress

import psutil
from sqlalchemy import create_engine, text


def sqlalchemy_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


class DatabaseServer:
    """The processes of PostgreSQL that work for whoever is connected to this database; of SQLite there are none."""

    def __init__(self, url: str) -> None:
        self._url = sqlalchemy_url(url)
        #: CPU of those that are gone, and of each that is there
        self._seen: dict[int, float] = {}

    def cpu_seconds(self) -> float:
        """Spent so far by all that were ever seen here."""
        if self._url.startswith("sqlite"):
            return 0.0
        with create_engine(self._url).connect() as connection:
            mine = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            pids = connection.scalars(text(mine)).all()
        for pid in pids:
            with suppress(psutil.NoSuchProcess):
                spent = psutil.Process(pid).cpu_times()
                self._seen[pid] = spent.user + spent.system
        return sum(self._seen.values())
