"""Customers who may be in here twice, for programs: the pairs, what is said of them, making two one and two again."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session, joinedload

from app.core import edge
from app.core.api import Api, listing, moment, verb
from app.core.errors import BadRequestError, InvalidInputError
from app.core.i18n import _
from app.core.schema import LONGEST_KEY, UNKNOWN, free_object, one_of, record, whole_number
from app.core.screens import extra
from app.customers.duplicates import comparing, deciding, fields, merging, queries
from app.customers.duplicates.fields import Side
from app.customers.duplicates.models import CustomerMerge, DuplicatePair, PairState

_ORDERS = {"score": DuplicatePair.score, "found_at": DuplicatePair.found_at, "id": DuplicatePair.id}
_LOAD = (joinedload(DuplicatePair.first), joinedload(DuplicatePair.second))
_MERGE = record(
    required=("kept", "merged", "kept_rev", "merged_rev"), kept=whole_number(), merged=whole_number(),
    kept_rev=whole_number(), merged_rev=whole_number(),
    choose=record(**{one.key: one_of(one.sides) for one in fields.CHOICES}),
    own=free_object("Own fields of the company: field key → \"kept\" or \"merged\""),
    preferred=one_of((Side.kept, Side.merged)),
)  # fmt: skip


class DuplicateApi(Api):
    """Pairs of customers that may be one; both are the actor's to edit and to archive."""

    resource_name = "duplicates"
    resource = "Customer"

    @verb("/", "GET", "Pairs to decide, the surest first", right="delete",
          query=listing(_ORDERS, state="open, not_duplicate or merged"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        typed = request.args.get("state", PairState.open)
        if typed not in set(PairState):
            raise BadRequestError(_("There is no such state. There are: %(names)s.", names=", ".join(PairState)))
        rows = queries.pairs(edge.actor(), PairState(typed)).order_by(None)
        return self.page(
            rows, show=_pair, orders=_ORDERS, default_order="-score", key=DuplicatePair.id, load=_LOAD,
            filters={"state": lambda found, _typed: found},
        )  # fmt: skip

    @verb("/<id>/not_duplicate", "POST", "They are two customers; remembered for ever", right="delete", body=record())
    def not_duplicate(self, id: str) -> dict[str, Any]:
        number = self.id(id)
        return self.write(lambda session: _pair(deciding.say_not_duplicate(session, number, by=edge.actor())))

    @verb("/<id>/reopen", "POST", "Take that back", right="delete", body=record())
    def reopen(self, id: str) -> dict[str, Any]:
        number = self.id(id)
        return self.write(lambda session: _pair(deciding.look_again(session, number, by=edge.actor())))

    @verb("/merge", "POST", "One customer becomes part of another; choose says whose value is taken, revs as read",
          right="delete", body=_MERGE, status=201)  # fmt: skip
    def merge(self) -> dict[str, Any]:
        body = self.read()
        sides = {key: Side(side) for key, side in body.get("choose", {}).items()}
        for key, side in body.get("own", {}).items():
            if side not in (Side.kept, Side.merged) or f"{extra.PREFIX}{key}" not in extra.fields_of("Customer"):
                raise InvalidInputError(fields={f"{extra.PREFIX}{key}"[:LONGEST_KEY]: [UNKNOWN]})
            sides[f"{extra.PREFIX}{key}"] = Side(side)

        def join(session: Session) -> dict[str, Any]:
            return _merge(merging.merge_customers(
                session, by=edge.actor(), kept_id=body["kept"], merged_id=body["merged"],
                revs=(body["kept_rev"], body["merged_rev"]), sides=sides,
                preferred=Side(body.get("preferred", Side.kept)),
            ))  # fmt: skip

        return self.write(join)

    @verb("/merges/<id>/undo", "POST", "Two customers again, for 30 days; tells what was changed since and stays",
          right="delete", body=record())  # fmt: skip
    def undo(self, id: str) -> dict[str, Any]:
        number = self.id(id)

        def part(session: Session) -> dict[str, Any]:
            undone = merging.undo_merge(session, number, by=edge.actor())
            return {
                "kept": undone.kept.id, "merged": undone.merged.id, "left_fields": list(undone.fields),
                "left_rows": undone.rows,
            }  # fmt: skip

        return self.write(part)


def _pair(pair: DuplicatePair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "first": {"id": pair.first.id, "code": pair.first.code, "name": pair.first.name, "rev": pair.first.rev},
        "second": {"id": pair.second.id, "code": pair.second.code, "name": pair.second.name, "rev": pair.second.rev},
        "score": pair.score,
        "reasons": comparing.may_be_told(pair.reasons, edge.actor()),
        "note": pair.note,
        "state": pair.state,
        "found_at": moment(pair.found_at),
        "decided_at": moment(pair.decided_at),
    }


def _merge(log: CustomerMerge) -> dict[str, Any]:
    return {"id": log.id, "kept": log.kept_id, "merged": log.merged_id, "at": moment(log.at)}
