"""How long does a page take? Asks for it again and again over open connections, from a process of its own.

`python -m bench.load 8105 /khach-hang/list/ --cookie session=… --requests 200 --connections 2` prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from http.client import HTTPConnection


@dataclass(frozen=True)
class Load:
    """What was measured; times in ms. `bytes` travelled for one page."""

    requests: int
    seconds: float
    p50: float
    p95: float
    bytes: int
    status: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def ask(
    port: int, path: str, *, cookie: str = "", accept_encoding: str = "", requests: int, connections: int = 1
) -> Load:
    """Load from a child process, so that asking and answering do not share one interpreter."""
    command = [
        sys.executable, "-m", "bench.load", str(port), path, "--cookie", cookie, "--accept-encoding", accept_encoding,
        "--requests", str(requests), "--connections", str(connections),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Load(**json.loads(done.stdout))


def _ask(port: int, path: str, headers: dict[str, str], *, requests: int, connections: int) -> Load:
    times: list[float] = []
    sizes: list[int] = []
    statuses: set[int] = set()

    def one_after_the_other(count: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        for _number in range(count):
            began = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - began) * 1000)
            sizes.append(len(body))
            statuses.add(answer.status)
        connection.close()

    each = max(1, requests // connections)
    threads = [threading.Thread(target=one_after_the_other, args=(each,)) for _number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    p95 = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0]
    return Load(len(times), seconds, statistics.median(times), p95, max(sizes), max(statuses))


def main() -> None:
    """Measure one page and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--cookie", default="")
    parser.add_argument("--accept-encoding", default="")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--connections", type=int, default=1)
    asked = parser.parse_args()
    headers = {"Cookie": asked.cookie, "Accept-Encoding": asked.accept_encoding or "identity"}
    measured = _ask(asked.port, asked.path, headers, requests=asked.requests, connections=asked.connections)
    print(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main()
