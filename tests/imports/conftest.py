"""What tests of imports have in common: a file is brought, looked through and written in a few words."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import files
from app.core.access import Actor
from app.core.db import db, transaction
from app.imports import services
from app.imports.models import ImportJob, ImportRow, ImportTarget, OnDuplicate
from app.imports.services import Wishes
from app.jobs import run_imports


@dataclass
class Brought:
    """A file on its way."""

    by: Actor
    target: ImportTarget = ImportTarget.customers
    number: int = 0
    wishes: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> ImportJob:
        db.session.rollback()
        return db.session.get_one(ImportJob, self.number)

    def bring(self, text: str | bytes, name: str = "khach.csv") -> Brought:
        data = text.encode() if isinstance(text, str) else text
        received = files.receive(io.BytesIO(data), name, as_sheet=True)
        head = services.read(received)
        with transaction(self.by) as session:
            self.number = services.bring(session, received, self.target, head=head, by=self.by).id
        return self

    def check(self, **wishes: Any) -> Brought:
        wishes = {"mapping": self.job.mapping, **self.wishes, **wishes}
        with transaction(self.by) as session:
            services.check(session, session.get_one(ImportJob, self.number), Wishes(**wishes), by=self.by)
        run_imports()
        return self

    def apply(self, on_duplicate: OnDuplicate = OnDuplicate.skip, reason: str = "", *, work: bool = True) -> Brought:
        with transaction(self.by) as session:
            job = session.get_one(ImportJob, self.number)
            services.apply(session, job, by=self.by, on_duplicate=on_duplicate, reason=reason)
        if work:
            run_imports()
        return self

    def undo(self) -> Brought:
        with transaction(self.by) as session:
            services.undo(session, session.get_one(ImportJob, self.number), by=self.by)
        run_imports()
        return self

    def rows(self) -> dict[int, ImportRow]:
        db.session.rollback()
        found = db.session.scalars(select(ImportRow).where(ImportRow.job_id == self.number))
        return {row.number: row for row in found}

    def reasons(self, number: int) -> str:
        return " ".join(self.rows()[number].reasons)


@pytest.fixture
def brought(session: Session, cast: Any) -> Callable[..., Brought]:
    """brought("Họ tên,Điện thoại…"): Minh's file of customers, matched by its headings and looked through."""

    def bring(text: str | bytes, *, by: Actor | None = None, target: str = "customers", **more: Any) -> Brought:
        name = more.pop("name", "khach.csv")
        return Brought(by or cast.minh, ImportTarget(target)).bring(text, name).check(**more)

    return bring
