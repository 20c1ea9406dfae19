"""/khach-hang-bi-quen: whom have we not spoken with for too long, whose customers are they, what helps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import request
from sqlalchemy.orm import Session, joinedload, selectinload

from app.care import queries, services
from app.catalogues import queries as catalogues
from app.catalogues.shipped import CUSTOMER_TIER
from app.core import clock, edge, guarded, links
from app.core.access import Actor
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, InvalidInputError, Sentence
from app.core.formats import number_text, read_integer
from app.core.i18n import _, ngettext
from app.core.pages import Page, Undo, done, page, page_number, page_of, refused_onto, show
from app.customers.forgotten import queries as forgotten
from app.customers.forgotten.services import save_targets
from app.customers.models import Customer
from app.customers.queries import reached_first

PATH = "/khach-hang-bi-quen"
ROWS = 25
#: people as chips over the list
MOST_OWNERS = 20
#: how long a round can be taken back on this page
UNDONE_WITHIN = timedelta(days=7)


class CarePages(Page):
    """/khach-hang-bi-quen: the forgotten customers."""

    resource = "Customer"
    route_base = PATH

    @page("/")
    def index(self) -> Any:
        return _page({})

    @page("/viec", "POST", right="edit")
    def make(self) -> Any:
        """A care task for each of those who were ticked, or for everybody of the page (?nguoi=) who waits."""
        chosen, owner = request.form.getlist("rowid"), _owner()
        back = f"{PATH}/" if owner is None else f"{PATH}/?nguoi={owner}"
        if len(chosen) > services.MOST:
            raise BadRequestError
        only = [row_id(one) for one in chosen] if chosen else None
        try:
            with edge.transaction() as session:
                made = services.make_tasks(session, by=edge.actor(), only=only, owner=owner)
        except BusinessError as error:
            return refused_onto(back, error)
        told = ngettext(
            "%(num)d care task made, for %(people)s people, over %(days)s working days.",
            "%(num)d care tasks made, for %(people)s people, over %(days)s working days.",
            made.tasks, people=number_text(made.people), days=number_text(made.days),
        )  # fmt: skip
        return done(back, told, undo=Undo(f"{PATH}/hoan-tac/{made.round_id}"))

    @page("/hoan-tac/<round_id>", "POST", right="edit")
    def take_back(self, round_id: str) -> Any:
        try:
            with edge.transaction() as session:
                count = services.take_back(session, row_id(round_id), by=edge.actor())
        except BusinessError as error:
            return refused_onto(f"{PATH}/", error)
        return done(f"{PATH}/", ngettext("%(num)d care task taken back.", "%(num)d care tasks taken back.", count))


class TargetPages(Page):
    """/khach-hang-bi-quen/muc-tieu: after how many days somebody is forgotten."""

    resource = "Setting"
    route_base = f"{PATH}/muc-tieu"
    default_view = "save"

    @page("/", "POST", right="edit")
    def save(self) -> Any:
        typed = {tier: request.form.get(f"tier-{tier}", "").strip()[:20] for tier in _tiers()}
        read = {tier: read_integer(text) if text else None for tier, text in typed.items()}
        # what is no number is refused like one that is out of reach
        days = {tier: 0 if value is None and typed[tier] else value for tier, value in read.items()}
        try:
            with edge.transaction() as session:
                save_targets(session, days, by=edge.actor())
        except InvalidInputError as error:
            return _page(error.fields, typed=typed, status=422)
        return done(f"{PATH}/", _("The targets are saved."))


def _owner() -> int | None:
    """Whose customers the page shows: ?nguoi= a person's id, or queries.NOBODY. Raises BadRequestError."""
    typed = request.args.get("nguoi", "")
    if not typed:
        return None
    is_number = typed.isascii() and typed.isdigit() and len(typed) < 10
    if not is_number or not edge.actor().reads("Customer", "owner"):
        raise BadRequestError(_("%(name)s was not understood.", name="nguoi"))
    return int(typed)


def _tiers() -> dict[str, Any]:
    return {**catalogues.Choices(CUSTOMER_TIER), "": _("Without a tier")}


def _page(refused: Mapping[str, Any], *, typed: Mapping[str, str] | None = None, status: int = 200) -> Any:
    session, who, now = db.session(), edge.actor(), clock.now()
    owner, reads_owner = _owner(), who.reads("Customer", "owner")
    chosen = "" if owner is None else str(owner)
    rows = queries.of_owner(forgotten.forgotten(who), owner)
    number = page_number()
    beside = (selectinload(Customer.all_contact_points), joinedload(Customer.owner).lazyload("*"))
    shown = rows.options(*beside).limit(ROWS).offset((number - 1) * ROWS)
    lines = queries.lines(session, shown, now, who)
    waiting = queries.count_waiting(session, who, services.MOST, owner) if who.may("edit", "Customer") else 0
    owners, tiers, targets = queries.owners(session, who), _tiers(), forgotten.targets(session)
    counted = sum(one.count for one in owners if chosen in ("", str(one.id or 0)))
    return show(
        "care/forgotten.html", status, path=PATH, count=counted,
        owners=[
            {"label": one.name or _("Nobody in charge"), "count": one.count, "key": str(one.id or 0),
             "current": chosen == str(one.id or 0)}
            for one in owners[:MOST_OWNERS]
        ] if reads_owner else [],
        everybody=sum(one.count for one in owners), chosen=chosen,
        rows=[
            {"customer": one.customer, "url": links.customer_path(one.customer.id), "days": one.days,
             "allowed": one.allowed, "tier": tiers.get(one.customer.tier or "", ""),
             "reach": reached_first(one.customer, who),
             "owner": guarded.seen(who, "Customer", "owner", one.customer.owner.name) if one.customer.owner else "",
             "task_url": links.task_path(one.task_id) if one.task_id else None}
            for one in lines
        ],
        page=page_of(number, len(lines), (counted, False), size=ROWS) if counted > ROWS or number > 1 else None,
        waiting=min(waiting, services.MOST), more=waiting > services.MOST, most=services.MOST,
        last=_last(session, who, now), may_make=who.is_himself and who.may("edit", "Customer"),
        targets=[
            {"key": tier, "label": label, "errors": [str(one) for one in refused.get(tier, ())],
             "value": typed[tier] if typed is not None else _shown(targets.get(tier))}
            for tier, label in tiers.items()
        ] if who.is_himself and who.may("edit", "Setting") else [],
        targets_open=bool(refused),
    )  # fmt: skip


def _last(session: Session, who: Actor, now: datetime) -> dict[str, Any] | None:
    """{at, tasks, begun, url} of the round that he may still take back, or none."""
    found = queries.last_round(session, who, now - UNDONE_WITHIN) if who.is_himself else None
    if found is None:
        return None
    made, left = found
    return {"at": made.made_at, "tasks": made.tasks, "begun": made.tasks - left, "url": f"{PATH}/hoan-tac/{made.id}"}


def _shown(days: int | None) -> Sentence:
    return "" if days is None else str(days)
