"""By which rules customers are put into tiers and groups, what they would do, and the rounds: for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries as catalogues
from app.catalogues.models import CODE_LENGTH
from app.core import edge
from app.core.api import Api, listing, moment, verb
from app.core.db import db
from app.core.errors import InvalidInputError, Sentence
from app.core.i18n import _
from app.core.schema import list_of, maybe, record, text, whole_number
from app.customers.classes import queries, rules, services
from app.customers.classes.models import ClassKind, ClassRun
from app.customers.classes.rules import Rule
from app.customers.profile import CATALOGUES

#: classes of a kind; a company has a handful
_MOST = 100
_RULE = record(required=("code",), code=text(CODE_LENGTH), **{name: maybe(whole_number()) for name in rules.COLUMNS})
_RULES = record(**{kind.value: list_of(_RULE, most=_MOST) for kind in ClassKind})
_ORDERS = {"asked_at": ClassRun.asked_at, "id": ClassRun.id}


class ClassApi(Api):
    """Rules of tiers and behaviour groups, in the order in which they are tried; the first that fits counts."""

    resource_name = "classes"
    resource = "Setting"

    @verb("/", "GET", "The rules of each kind, in their order")
    def index(self) -> dict[str, Any]:
        return _told(db.session())

    @verb("/", "PUT", "These are the rules of the kinds that are named, in this order; other kinds keep theirs",
          right="edit", body=_RULES)  # fmt: skip
    def put(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()

        def save(session: Session) -> dict[str, Any]:
            services.save_rules(session, _typed(session, body), by=who)
            return _told(session)

        return self.write(save)

    @verb("/preview", "POST", "How many customers these rules would move from where to where; nothing is kept",
          right="edit", body=_RULES)  # fmt: skip
    def preview(self) -> dict[str, Any]:
        session = db.session()
        by_kind = {**queries.all_rules(session), **_typed(session, self.read())}
        services.refuse(by_kind)
        seen = queries.preview(session, queries.in_use(session, by_kind))
        moves = [
            {"kind": kind, "before": before, "after": after or None, "count": count}
            for (kind, before, after), count in seen.moves.items()
        ]
        return {"examined": seen.examined, "moved": seen.moved, "moves": moves}

    @verb("/rounds", "GET", "The rounds through all customers", query=listing(_ORDERS))
    def rounds(self) -> dict[str, Any]:
        return self.page(select(ClassRun), show=_round, orders=_ORDERS, default_order="-id", key=ClassRun.id)

    @verb("/rounds", "POST", "Go through all customers now", right="edit", body=record(), status=201)
    def run(self) -> dict[str, Any]:
        self.read()
        return self.write(lambda session: _round(services.ask_round(session, by=edge.actor())))


def _typed(session: Session, body: dict[str, Any]) -> dict[ClassKind, list[Rule]]:
    """The rules of the kinds that are named. Raises InvalidInputError beside a class that is not there, or twice."""
    found: dict[ClassKind, list[Rule]] = {}
    refused: dict[str, list[Sentence]] = {}
    for kind in (one for one in ClassKind if one.value in body):
        found[kind] = [Rule(**told) for told in body[kind.value]]
        codes = [rule.code for rule in found[kind]]
        known = [code for code, _label in catalogues.offered(session, CATALOGUES[kind.value], None)]
        known += [rule.code for rule in queries.rules_of(session, kind) if rule.code not in known]
        for place, code in enumerate(codes):
            if code not in known:
                told = _("Please choose one of: %(choices)s.", choices=", ".join(known))
                refused[f"{kind}.{place}.code"] = [told]
            elif code in codes[:place]:
                refused[f"{kind}.{place}.code"] = [_("This is named twice.")]
    if refused:
        raise InvalidInputError(fields=refused)
    return found


def _told(session: Session) -> dict[str, Any]:
    return {kind.value: [asdict(rule) for rule in some] for kind, some in queries.all_rules(session).items()}


def _round(run: ClassRun) -> dict[str, Any]:
    return {
        "id": run.id, "night": run.night.isoformat() if run.night else None, "asked_at": moment(run.asked_at),
        "status": run.status, "examined": run.examined, "moved": run.moved, "failed": run.failed,
        "finished_at": moment(run.finished_at),
    }  # fmt: skip
