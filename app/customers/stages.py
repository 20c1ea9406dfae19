"""How far is a customer on his way, since when, and where was he before? Kept as a dated history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.models import Customer
from app.customers.profile_models import CustomerStage


def enter(session: Session, customer: Customer, stage: str | None, *, reason: str | None = None) -> None:
    """The customer, locked by the caller and not changed yet, is at this stage from now on; None: at none."""
    enter_all(session, {customer: stage}, reason=reason)


def enter_all(session: Session, stages: Mapping[Customer, str | None], *, reason: str | None = None) -> None:
    """enter() for many, by as many statements as for one."""
    now = clock.now()
    ids = [customer.id for customer in stages]
    present = select(CustomerStage).where(CustomerStage.customer_id.in_(ids), CustomerStage.until.is_(None))
    ended = session.scalars(present).all()
    for one in ended:
        one.until = now
    if ended:
        # One stage at a time: the old one ends before the new one begins.
        session.flush()
    for customer, stage in stages.items():
        customer.stage = stage
        if stage is not None:
            session.add(CustomerStage(customer_id=customer.id, stage=stage, since=now, reason=reason))


def stage_at(session: Session, customer_id: int, at: datetime) -> str | None:
    """At which stage he was then."""
    return session.scalar(
        select(CustomerStage.stage)
        .where(CustomerStage.customer_id == customer_id, CustomerStage.since <= at)
        .where(CustomerStage.until.is_(None) | (CustomerStage.until > at))
        .order_by(CustomerStage.id.desc()).limit(1)
    )  # fmt: skip
