"""On which port may a server of a test listen?"""

from __future__ import annotations

import socket
from contextlib import suppress
from random import SystemRandom

#: below those that the system gives to whoever asks for any: nobody takes one before the server has started
_OURS = (15_000, 30_000)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens. Drawn by the system: every test process is given the same seed."""
    while True:
        port = SystemRandom().randrange(*_OURS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
