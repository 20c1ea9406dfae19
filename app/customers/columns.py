"""How do lists of other features show a customer? As far as whoever looks may read his header."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, literal, select

from app.core.access import Actor
from app.core.conditions.fields import Kind
from app.core.screens.columns import Derived
from app.customers.models import Customer
from app.customers.queries import header_visible


def name(customer_id: Any) -> Derived:
    """The name behind a column of customer ids."""
    return _of_header(Customer.name, customer_id)


def code(customer_id: Any) -> Derived:
    return _of_header(Customer.code, customer_id)


def _of_header(column: Any, customer_id: Any) -> Derived:
    def seen_by(who: Actor) -> Derived:
        rows = select(column).where(Customer.id == customer_id, header_visible(who))
        return Derived(Kind.text, rows.correlate(customer_id.class_).scalar_subquery())

    return Derived(Kind.text, literal(None, String), seen_by=seen_by)
