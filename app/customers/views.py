"""Customers on the screen: the generated list and forms, the record page, the search box and the picker."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, request
from sqlalchemy import select

from app.core import clock, edge, links
from app.core.db import db, row_id
from app.core.i18n import _
from app.core.pages import Page, page, show
from app.core.timewords import moment_text
from app.customers import queries
from app.customers.models import Customer

FOUND = 50
PICKED = 20


class SearchPages(Page):
    """/tim: the box on top of every page, and the customer picker inside forms."""

    resource = "Customer"
    route_base = "/tim"

    @page("/")
    def index(self) -> Any:
        """One hit opens it; several are a list."""
        actor, session = edge.actor(), db.session()
        text = request.args.get("q", "").strip()[:200]
        found = session.scalars(queries.found(text, actor, limit=FOUND)).unique().all() if text else []
        if len(found) == 1:
            return redirect(links.customer_path(found[0].id))
        return show("search.html", search_text=text, found=found, customer_path=links.customer_path,
                    can_add=actor.may("add", "Customer"), most=FOUND)  # fmt: skip

    @page("/khach-hang")
    def pick(self) -> Any:
        """Customers for a picker, as its script reads them."""
        text = request.args.get("q", "").strip()[:200]
        rows = queries.found(text, edge.actor(), limit=PICKED + 1) if text else _latest()
        found = db.session.scalars(rows).unique().all()
        return jsonify(
            results=[{"id": str(one.id), "text": one.name, "hint": _hint(one)} for one in found[:PICKED]],
            more=len(found) > PICKED,
        )


def _hint(customer: Customer) -> str:
    return " · ".join(part for part in (customer.code, customer.phone) if part)


def _latest() -> Any:
    from app.core.access import visible

    rows = select(Customer).where(visible(Customer, edge.actor()), queries.live())
    return rows.order_by(Customer.id.desc()).limit(PICKED + 1)


TIMELINE_TEXTS = {
    "created": _("Customer added"),
    "changed": _("Customer changed"),
    "archived": _("Archived"),
    "restored": _("Restored"),
    "task_completed": _("Task finished"),
    "instance_started": _("Process begun"),
    "instance_completed": _("Process completed"),
    "instance_cancelled": _("Process called off"),
    "submission": _("Form filled in"),
}


def timeline_shown(customer_id: int) -> list[dict[str, Any]]:
    actor, now = edge.actor(), clock.now()
    rows = db.session.scalars(queries.timeline(customer_id, actor).limit(100)).all()
    return [
        {"at": row.at, "when": moment_text(row.at, now, actor.time_zone), "kind": row.kind,
         "text": TIMELINE_TEXTS.get(row.kind, row.kind), "data": row.data, "subject": row.subject_type,
         "url": _subject_url(row.subject_type, row.subject_id)}
        for row in rows
    ]  # fmt: skip


def _subject_url(kind: str | None, subject_id: int | None) -> str | None:
    paths = {"task": links.task_path, "instance": links.instance_path}
    return paths[kind](subject_id) if kind in paths and subject_id is not None else None


__all__ = ["SearchPages", "row_id"]
