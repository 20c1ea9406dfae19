"""What does bringing in a large file cost?

    python -m bench.imports [--rows 100000] [--database sqlite|postgresql] [--xlsx]

A file of customers is looked through (with the search for duplicates) and written, as the worker does it, beside a
floor: reading the file alone. Rows a second by the wall and by this process's CPU, and the most memory it ever held.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator

from app.core import files
from app.core.conditions.fields import Kind
from app.core.db import db, transaction
from app.core.sheets import Header, write_xlsx
from app.imports import services
from app.imports.models import ImportJob, ImportPhase, ImportTarget
from app.imports.services import Wishes
from app.imports.sheet import open_sheet
from app.jobs import run_imports
from bench.company import company, person

HEADINGS = ("Họ tên", "Điện thoại", "Email", "Ngày sinh", "Địa chỉ", "Phường", "Tỉnh", "Nguồn", "Ghi chú")
_GIVEN = ("Lan", "Hoa", "Mai", "Cúc", "Duyên", "Hạnh", "Thảo", "Vy")
_TARGET, _MEMORY = 3_000, 300


def drawn(rows: int) -> Iterator[tuple[str, ...]]:
    chance = random.Random("Phở Sen")
    for number in range(rows):
        yield (
            f"Nguyễn Thị Ngọc {chance.choice(_GIVEN)} {number}", f"091{number:07d}", f"khach{number}@example.com",
            f"{chance.randint(1, 28)}/{chance.randint(1, 12)}/19{chance.randint(50, 99)}", f"{number % 300} Lê Lợi",
            "P. Bến Thành", "TP.HCM", "Zalo", "Khách cũ",
        )  # fmt: skip


def as_csv(rows: int) -> bytes:
    return "\n".join(",".join(row) for row in (HEADINGS, *drawn(rows))).encode()


def as_xlsx(rows: int) -> bytes:
    file = io.BytesIO()
    heads = [Header(heading, Kind.text) for heading in HEADINGS]
    write_xlsx(file, "Khách hàng", heads, drawn(rows), time_zone="Asia/Ho_Chi_Minh", language="vi")
    return file.getvalue()


def timed(rows: int, work: Callable[[], object]) -> tuple[float, float]:
    """Rows a second, by the wall and by CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return rows / (time.perf_counter() - wall), rows / (time.process_time() - cpu)


def memory() -> int:
    """In MiB, the most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(rows: int, name: str, data: bytes) -> bool:
    """Inside an application on an empty company. Prints the table; False: a target is missed."""
    print(f"{'':34}{'rows/s':>9}{'of CPU':>9}{'MiB':>6}")

    def told(label: str, speed: tuple[float, float]) -> None:
        print(f"{label:34}{speed[0]:9,.0f}{speed[1]:9,.0f}{memory():6}", flush=True)

    told("floor: reading the file", timed(rows, lambda: sum(1 for _row in open_sheet(io.BytesIO(data), name).rows)))
    who = person("minh")
    received = files.receive(io.BytesIO(data), name, as_sheet=True)
    head = services.read(received)
    with transaction(who) as session:
        number = services.bring(session, received, ImportTarget.customers, head=head, by=who).id
    with transaction(who) as session:
        job = session.get_one(ImportJob, number)
        services.check(session, job, Wishes(job.mapping), by=who)
    looked = timed(rows, run_imports)
    told("looked through, doubles searched", looked)
    with transaction(who) as session:
        services.apply(session, session.get_one(ImportJob, number), by=who)
    told("written", timed(rows, lambda: _until_done(number)))
    session = db.session()
    session.rollback()
    job = session.get_one(ImportJob, number)
    print(f"{job.phase}: {job.found} {job.written}")
    return looked[1] >= _TARGET and memory() <= _MEMORY


def _until_done(number: int) -> None:
    while True:
        run_imports()
        session = db.session()
        session.rollback()
        if session.get_one(ImportJob, number).phase is not ImportPhase.applying:
            return


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--xlsx", action="store_true")
    asked = parser.parse_args(arguments)
    data = as_xlsx(asked.rows) if asked.xlsx else as_csv(asked.rows)
    with company(asked.database):
        return 0 if measure(asked.rows, "khach.xlsx" if asked.xlsx else "khach.csv", data) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
