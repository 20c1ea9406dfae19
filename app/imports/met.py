"""Which keys did the rows before have? Looked up a lot at a time: the last one costs what the first did."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.customers.duplicates.hard import HardKey
from app.imports.models import ImportKey

#: values a query asks for at once
_BATCH = 5_000


def met_before(
    session: Session, job_id: int, keys: Collection[HardKey]
) -> tuple[dict[HardKey, int], dict[HardKey, int]]:
    """Of these keys: key → the first row that has it, and key → the customer whom that row is about."""
    by_digest = {_digest(key): key for key in keys}
    digests = sorted(by_digest)
    met: dict[HardKey, int] = {}
    claimed: dict[HardKey, int] = {}
    for start in range(0, len(digests), _BATCH):
        rows = select(ImportKey.digest, ImportKey.number, ImportKey.record_id).where(
            ImportKey.job_id == job_id, ImportKey.digest.in_(digests[start : start + _BATCH])
        )
        for digest, number, record_id in session.execute(rows):
            met[by_digest[digest]] = number
            if record_id is not None:
                claimed[by_digest[digest]] = record_id
    return met, claimed


def keep(session: Session, job_id: int, new: Mapping[HardKey, int], claimed: Mapping[HardKey, int]) -> None:
    """Those that no row before had."""
    if new:
        session.execute(insert(ImportKey), [
            {"job_id": job_id, "digest": _digest(key), "number": number, "record_id": claimed.get(key)}
            for key, number in new.items()
        ])  # fmt: skip


def forget(session: Session, job_id: int) -> None:
    session.execute(delete(ImportKey).where(ImportKey.job_id == job_id))


def _digest(key: HardKey) -> int:
    found = hashlib.blake2b(f"{key.field}:{key.value}".encode(), digest_size=8).digest()
    return int.from_bytes(found, signed=True)
