"""/xep-nhom: by which rules customers are put into tiers and groups, what they would do, and when they did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from app.catalogues import queries as catalogues
from app.core import edge
from app.core.db import db
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.formats import number_text, read_integer, typed_number
from app.core.i18n import _, ngettext
from app.core.leases import LeaseState
from app.core.pages import Page, done, page, refused_onto, show
from app.customers.classes import queries, rules, services
from app.customers.classes.models import ClassKind
from app.customers.classes.rules import Rule
from app.customers.labels import CLASS_COLUMNS, CLASS_KINDS
from app.customers.profile import CATALOGUES

PATH = "/xep-nhom"
RUNS, MOVES = 5, 10


class ClassPages(Page):
    """/xep-nhom: rules, preview and rounds."""

    resource = "Setting"
    route_base = PATH

    @page("/")
    def index(self) -> Any:
        """?phan=1: the rounds and the latest moves, which ask for themselves again while the worker is at it."""
        if request.args.get("phan") == "1":
            return show("segments/_rounds.html", path=PATH, **_rounds())
        return _page(queries.all_rules(db.session()), {})

    @page("/", "POST", right="edit")
    def save(self) -> Any:
        """?do=preview shows what the typed rules would do, and keeps nothing."""
        by_kind, refused = _typed()
        is_preview = request.form.get("do") != "save"
        try:
            if refused:
                raise InvalidInputError(fields=refused)
            if is_preview:
                services.refuse(by_kind)
                return _page(by_kind, {}, typed=request.form, preview=_preview(by_kind))
            with edge.transaction() as session:
                services.save_rules(session, by_kind, by=edge.actor())
        except InvalidInputError as error:
            return _page(by_kind, error.fields, typed=request.form, status=422)
        return done(f"{PATH}/", _("The rules are saved. They count from the next night on, or when you run them now."))

    @page("/chay", "POST", right="edit")
    def run(self) -> Any:
        try:
            with edge.transaction() as session:
                services.ask_round(session, by=edge.actor())
        except BusinessError as error:
            return refused_onto(f"{PATH}/", error)
        return done(f"{PATH}/#lan-chay", _("The worker goes through all customers now."))


def _typed() -> tuple[dict[ClassKind, list[Rule]], dict[str, list[Sentence]]]:
    """The rules as typed, in the order typed, and what could not be read."""
    refused: dict[str, list[Sentence]] = {}
    found: dict[ClassKind, list[Rule]] = {}

    def number(key: str) -> int | None:
        typed = request.form.get(key, "").strip()[:30]
        if not typed:
            return None
        value = read_integer(typed)
        if value is None:
            refused[key] = [_("This is not a whole number. Example: %(example)s", example=number_text(1000))]
        return value

    for kind in ClassKind:
        placed = []
        for at, code in enumerate(_codes(kind)):
            rule = Rule(code, **{name: number(f"{kind}.{code}.{name}") for name in rules.COLUMNS})
            placed.append((number(f"{kind}.{code}.position") or at + 1, at, rule))
        found[kind] = [rule for _place, _at, rule in sorted(placed, key=lambda one: one[:2])]
    return found, refused


def _preview(by_kind: Mapping[ClassKind, Sequence[Rule]]) -> queries.Preview:
    return queries.preview(db.session(), queries.in_use(db.session(), by_kind))


def _codes(kind: ClassKind) -> Sequence[str]:
    """Those that are offered, and retired ones that have a rule: it stays until somebody takes it out."""
    kept = [rule.code for rule in queries.rules_of(db.session(), kind)]
    return list(dict.fromkeys([*_offered(kind), *kept]))


def _offered(kind: ClassKind) -> Sequence[str]:
    return [code for code, _label in catalogues.offered(db.session(), CATALOGUES[kind.value], None)]


def _page(
    by_kind: Mapping[ClassKind, Sequence[Rule]], refused: Mapping[str, Sequence[Sentence]], *,
    typed: Mapping[str, str] | None = None, preview: queries.Preview | None = None, status: int = 200,
) -> Any:  # fmt: skip
    who = edge.actor()
    labels = {kind: catalogues.Choices(CATALOGUES[kind.value]) for kind in ClassKind}
    moves = [
        {"kind": CLASS_KINDS[kind], "before": labels[kind].get(before or "", before) or _("none yet"),
         "after": labels[kind].get(after, after) or _("none any more"), "count": count}
        for (kind, before, after), count in (preview.moves.items() if preview else ())
    ]  # fmt: skip
    return show(
        "segments/classes.html", status, path=PATH, may_edit=who.is_himself and who.may("edit", "Setting"),
        groups=[
            {"kind": kind, "label": CLASS_KINDS[kind], "rows": _rows(kind, by_kind[kind], labels[kind], typed, refused)}
            for kind in ClassKind
        ],
        columns=CLASS_COLUMNS, has_problems=bool(refused), preview=preview, moves=moves,
        held=[(CLASS_KINDS[kind], count) for kind, count in preview.held.items() if count] if preview else (),
        preview_text=ngettext("%(num)s of %(all)s customers would move", "%(num)s of %(all)s customers would move",
                              preview.moved, num=number_text(preview.moved), all=number_text(preview.examined))
        if preview else None,
        **_rounds(),
    )  # fmt: skip


def _rounds() -> dict[str, Any]:
    """The last rounds, and whom they moved and why, as far as the reader sees the customers."""
    session, who = db.session(), edge.actor()
    labels = {kind: catalogues.Choices(CATALOGUES[kind.value]) for kind in ClassKind}
    runs = session.scalars(queries.runs(RUNS)).all()
    return {
        "runs": runs, "is_working": any(one.finished_at is None and one.status is not LeaseState.dead for one in runs),
        "latest": [
            {"move": one, "kind": CLASS_KINDS[one.kind],
             "before": labels[one.kind].get(one.before or "", one.before) or _("none yet"),
             "after": labels[one.kind].get(one.after, one.after) or _("none any more"),
             "why": rules.reason_text(one.reason, who)}
            for one in session.scalars(queries.latest_moves(who, MOVES))
        ] if who.may("view", "Customer") else [],
    }  # fmt: skip


def _rows(
    kind: ClassKind, some: Sequence[Rule], labels: Mapping[str, str], typed: Mapping[str, str] | None,
    refused: Mapping[str, Sequence[Sentence]],
) -> list[dict[str, Any]]:  # fmt: skip
    """A line a class: those with a rule in their order, then the others."""
    known = {rule.code: rule for rule in some}
    codes = [*known, *(code for code in _codes(kind) if code not in known)]
    offers = _offered(kind)
    lines = []
    for place, code in enumerate(codes, start=1):
        rule = known.get(code, Rule(code))
        cells = {}
        for name in CLASS_COLUMNS:
            key, value = f"{kind}.{code}.{name}", getattr(rule, name)
            shown = "" if value is None else typed_number(value)
            cells[name] = {"key": key, "value": typed.get(key, shown) if typed is not None else shown,
                           "errors": [str(one) for one in refused.get(key, ())]}  # fmt: skip
        lines.append({"code": code, "label": labels.get(code, code), "place": place, "cells": cells,
                      "is_retired": code not in offers})  # fmt: skip
    return lines
