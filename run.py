"""How is the product started? `python run.py` serves it with its worker; `web` and `worker` run one of them alone."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication

from config import Config, ConfigError

logger = logging.getLogger("run")

_USAGE = "usage: python run.py [web | worker]"
#: Running requests and mails may end; then the process is killed. Nothing that was acknowledged is lost by that.
_GRACE = 30.0
#: Pauses before a dead worker is started again; a worker that lived for a minute starts anew with the shortest.
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
_HEALTHY = 60.0
#: Set for the children of `python run.py`: their standard input closes when the supervisor dies, however it died.
_SUPERVISED = "TANTAM_SUPERVISED"


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 after a stop that was asked for, 1 when it could not start, 2 for a wrong command."""
    roles: dict[tuple[str, ...], Callable[[Config], int]] = {(): supervise, ("web",): serve, ("worker",): work}
    role = roles.get(tuple(arguments))
    if role is None:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        config = Config()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    logging.basicConfig(level=config.LOG_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatterbox in ("alembic", "flask_appbuilder"):  # they tell of every plugin and view that they load
        logging.getLogger(chatterbox).setLevel("WARNING")
    os.umask(0o077)  # what lies in the data folder is nobody else's business
    return role(config)


# The web server -------------------------------------------------------------------------------------------------------


class Web(BaseApplication):
    """gunicorn with our settings. It never starts a scheduler: with four processes every job would run four times."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        config = self._config
        host = f"[{config.HOST}]" if ":" in config.HOST else config.HOST
        settings: dict[str, Any] = {
            "bind": f"{host}:{config.PORT}",
            "worker_class": "gthread",
            "workers": config.WEB_PROCESSES,
            "threads": config.WEB_THREADS,
            "timeout": 60,
            "graceful_timeout": int(_GRACE) - 5,
            # Loaded once, forked: a process that dies is back at once, and the code is in memory once.
            "preload_app": True,
            "post_fork": _begin_worker,
            "when_ready": lambda _arbiter: logger.info("serving on %s", config.BASE_URL),
            "loglevel": "debug" if config.LOG_LEVEL == "DEBUG" else "warning",
            "control_socket_disable": True,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from app import create_app

        return create_app(self._config)


def _begin_worker(_arbiter: object, worker: Any) -> None:
    """A database connection cannot be shared by two processes: the parent's are left to the parent.

    What was loaded stays for good: the garbage collector need not look through it again after every few pages.
    """
    from app.core.db import db

    gc.freeze()
    gc.set_threshold(20_000, 20, 20)

    with worker.app.wsgi().app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)


def serve(config: Config) -> int:
    if not _port_is_free(config):
        return 1
    _end_with_the_supervisor()
    with ExitStack() as held:
        if not _data_is_ours(config, held):
            return 1
        try:
            Web(config).run()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
    return 0


def _port_is_free(config: Config) -> bool:
    """Says so in one sentence when it is not. gunicorn would try five times and then print a traceback."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(config.HOST, config.PORT, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            print(
                f"Port {config.PORT} is taken by another program. Choose another one: PORT={config.PORT + 1}",
                file=sys.stderr,
            )
        elif error.errno == errno.EACCES:
            print(f"This user may not use port {config.PORT}. Choose one above 1023: PORT=8080", file=sys.stderr)
        else:
            print(f"HOST={config.HOST} PORT={config.PORT}: {error.strerror}", file=sys.stderr)
        return False
    return True


def _answers(config: Config) -> bool:
    """The web server has loaded and listens; a connection to every address (0.0.0.0) reaches this machine."""
    try:
        socket.create_connection((config.HOST, config.PORT), timeout=1).close()
    except OSError:
        return False
    return True


# The worker -----------------------------------------------------------------------------------------------------------


def work(config: Config) -> int:
    from app import create_app
    from app.core.worker import Worker
    from app.jobs import JOBS

    with ExitStack() as held:
        if not _data_is_ours(config, held):
            return 1
        worker = Worker(create_app(config), JOBS)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        _end_with_the_supervisor()
        worker.run()
    return 0


# Both -----------------------------------------------------------------------------------------------------------------


class Supervisor:
    """Runs the web server and the worker as its children. A dead worker is replaced; a dead web server ends it all."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stopping = False
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        self._start("web")
        self._start("worker")
        code = self._watch()
        self._stop_all()
        return code

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, role: str) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops them in order.
        self._children[role] = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, os.path.abspath(__file__), role],
            env={**os.environ, _SUPERVISED: "1"},
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _watch(self) -> int:
        """Until a stop is asked for (0) or the web server is gone (1)."""
        deaths, started_at, again_at = 0, time.monotonic(), 0.0
        announced = False
        while not self._stopping:
            if not announced and _answers(self._config):
                announced = True
                print(_where_and_who(self._config), flush=True)
            if self._children["web"].poll() is not None:
                logger.error("the web server ended with exit code %s", self._children["web"].returncode)
                return 1
            if self._children["worker"].poll() is not None:
                at = time.monotonic()
                if not again_at:
                    deaths = 0 if at - started_at > _HEALTHY else deaths
                    pause = _PAUSES[min(deaths, len(_PAUSES) - 1)]
                    again_at, deaths = at + pause, deaths + 1
                    code = self._children["worker"].returncode
                    logger.error("the worker ended with exit code %s; the next one starts in %.0f s", code, pause)
                elif at >= again_at:
                    started_at, again_at = at, 0.0
                    self._start("worker")
            time.sleep(0.2)
        return 0

    def _stop_all(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        until = time.monotonic() + _GRACE
        for child in self._children.values():
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def supervise(config: Config) -> int:
    return Supervisor(config).run() if _port_is_free(config) else 1


def _where_and_who(config: Config) -> str:
    return f"Tận Tâm: {config.BASE_URL}  (Ctrl-C stops it)"


def _data_is_ours(config: Config, held: ExitStack) -> bool:
    """Keeps `flask restore` away while `held` is open. Says so in one sentence when a restore is at work."""
    from app.core.backup import BackupError, in_use

    try:
        held.enter_context(in_use(config.DATA_FOLDER))
    except BackupError as error:
        print(error, file=sys.stderr)
        return False
    return True


def _end_with_the_supervisor() -> None:
    """A child whose supervisor was killed stops too: a second start finds the port free and no worker left over."""
    if os.environ.get(_SUPERVISED) != "1":
        return

    def wait_for_the_end() -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_the_end, name="supervisor", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
