"""A customer of Lan's team, and what is said about him."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.comments.models import Comment
from app.comments.services import write_comment
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import create_customer
from app.security.models import Member
from tests.cast import Cast


def a_customer(session: Session, cast: Cast) -> int:
    with transaction(cast.lan) as inside:
        return create_customer(inside, by=cast.lan, name="Đặng Thị Mỹ Duyên", phone="0912 345 678").id


@pytest.fixture
def customer_id(session: Session, cast: Cast) -> int:
    return a_customer(session, cast)


@pytest.fixture
def known(app: Flask) -> int:
    """The same for tests that look at pages: no context stays open."""
    with app.app_context():
        return a_customer(db.session(), Cast(db.session()))


@pytest.fixture
def said(app: Flask) -> Callable[..., int]:
    """said("lan", customer, "…") → the id of that comment."""

    def say(username: str, customer_id: int, text: str) -> int:
        with app.app_context():
            who = Cast(db.session()).actor(username)
            with transaction(who) as session:
                return write_comment(session, "Customer", customer_id, text, by=who).id

    return say


@pytest.fixture
def stored(app: Flask) -> Callable[[int], tuple[str, bool]]:
    """stored(comment) → its text, and whether it is archived."""

    def read(comment_id: int) -> tuple[str, bool]:
        with app.app_context():
            comment = db.session.get_one(Comment, comment_id)
            return comment.text, comment.archived_at is not None

    return read


def member(session: Session, who: str) -> Member:
    return session.scalars(select(Member).where(Member.user.has(username=who))).one()


def customer(session: Session, customer_id: int) -> Customer:
    return session.get_one(Customer, customer_id)
