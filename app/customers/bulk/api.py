"""How does a program change many customers at once? It names them, says what is set, and may take it back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.catalogues.models import CODE_LENGTH
from app.core import edge
from app.core.access import Actor, get_visible
from app.core.api import Api, listing, moment, not_here, verb
from app.core.db import db
from app.core.errors import BadRequestError, InvalidInputError
from app.core.guarded import key_of
from app.core.i18n import _
from app.core.lists import LONGEST_CONDITION, list_of
from app.core.schema import free_object, maybe, record, text, whole_number, yes_or_no
from app.core.schema import list_of as some
from app.core.screens import extra
from app.customers.bulk import queries, services
from app.customers.bulk.fields import own_texts
from app.customers.bulk.models import BulkEdit, BulkOutcome
from app.customers.models import REASON_LENGTH, SOURCE_LENGTH, Customer
from app.customers.profile_models import TAG_LENGTH
from app.customers.tags import MOST_TAGS
from app.security.models import Member, Team
from app.security.queries import member_by_username, team_by_code

#: ids in one request; more are named by `where`
MOST_IDS = 1000
#: rows of one answer
_ROWS = 200
_CODE = maybe(text(CODE_LENGTH))
_REASON = maybe(text(REASON_LENGTH))
_TAGS = some(text(TAG_LENGTH), most=MOST_TAGS)
_SET = record(
    owner=maybe(text()), team=maybe(text()), stage=_CODE, stage_reason=_REASON, tier=_CODE, behaviour=_CODE,
    source=maybe(text(SOURCE_LENGTH)), touchpoint=_CODE, next_contact_on=maybe(text(10)), tags_add=_TAGS,
    own=free_object("Own fields of the company: field key → value, null to take it away"),
    tags_remove=_TAGS, risk_reason=_REASON, do_not_contact=yes_or_no(), do_not_contact_reason=_REASON,
)  # fmt: skip
_NEW = record(
    required=("set",), customers=some(whole_number(), most=MOST_IDS), where=text(LONGEST_CONDITION), set=_SET,
    dry_run=yes_or_no(),
)  # fmt: skip
_ORDERS = {"id": BulkEdit.id}


class BulkEditApi(Api):
    """Customers who are changed together: `state` is draft, applying, applied, undoing, undone, failed or cancelled."""

    resource_name = "bulk_edits"
    resource = "Customer"

    @verb("/", "GET", "Bulk edits of one's own, and with the right to all customers everybody's", right="edit",
          query=listing(_ORDERS))  # fmt: skip
    def index(self) -> dict[str, Any]:
        return self.page(
            queries.edits(edge.actor()), show=_shown, orders=_ORDERS, default_order="-id", key=BulkEdit.id
        )  # fmt: skip

    @verb(
        "/", "POST",
        "Set fields for `customers` (ids) or those who fulfil `where`: up to 200 at once, more by the worker. "
        "`dry_run` answers with the numbers (`preview`) and waits for apply; null empties a field", right="edit",
        body=_NEW, status=201,
    )  # fmt: skip
    def post(self) -> dict[str, Any]:
        body, who = self.read(), edge.actor()
        if ("customers" in body) == ("where" in body):
            raise BadRequestError(_("Name the customers by `customers` or by `where`."))
        wanted = body["set"]

        def change(session: Session) -> dict[str, Any]:
            own = {f"{extra.PREFIX}{key}": value for key, value in wanted.get("own", {}).items()}
            typed = {**{key: value for key, value in wanted.items() if key != "own"}, **_people(session, wanted), **own}
            self._days(typed)
            job = services.choose(session, _which(body, who), by=who)
            try:
                services.say(session, job, typed, by=who)
            except InvalidInputError as refusal:
                raise _beside_set(refusal) from None
            told = {"preview": _preview(session, job, who)}
            if not body.get("dry_run"):
                services.apply(session, job, by=who)
            return {**_shown(job), **told}

        return self.write(change)

    @verb("/<id>", "GET", "One bulk edit, and how far it is", right="edit")
    def get(self, id: str) -> dict[str, Any]:
        return _shown(get_visible(db.session(), BulkEdit, self.id(id), edge.actor()))

    @verb("/<id>/rows", "GET", "The first 200 customers of an outcome, with the reasons", right="edit",
          query={"outcome": "changed, same, refused, undone or left"})  # fmt: skip
    def rows(self, id: str) -> dict[str, Any]:
        session, who = db.session(), edge.actor()
        job = get_visible(session, BulkEdit, self.id(id), who)
        wanted = request.args.get("outcome", BulkOutcome.refused)
        if wanted not in list(BulkOutcome):
            raise BadRequestError(_("%(name)s was not understood.", name="outcome"))
        found = queries.rows_of(session, job, [BulkOutcome(wanted)], who, limit=_ROWS)
        return {"result": [
            {"customer": row.customer_id, "code": row.code or None, "outcome": str(row.outcome), "reasons": row.reasons}
            for row in found
        ]}  # fmt: skip

    @verb("/<id>/apply", "POST", "Do what a dry run has told", right="edit", body=record())
    def apply(self, id: str) -> dict[str, Any]:
        return self._act(id, services.apply)

    @verb("/<id>/undo", "POST", "Give back what stood there, where nobody has changed it since", right="edit",
          body=record())  # fmt: skip
    def undo(self, id: str) -> dict[str, Any]:
        return self._act(id, services.undo)

    @verb("/<id>/cancel", "POST", "Stop it; who was changed stays so", right="edit", body=record())
    def cancel(self, id: str) -> dict[str, Any]:
        return self._act(id, services.cancel)

    @verb("/<id>/resume", "POST", "Go on where it stopped", right="edit", body=record())
    def resume(self, id: str) -> dict[str, Any]:
        return self._act(id, services.resume)

    def _act(self, id: str, act: Any) -> dict[str, Any]:
        number, who = self.id(id), edge.actor()

        def change(session: Session) -> dict[str, Any]:
            job = get_visible(session, BulkEdit, number, who)
            act(session, job, by=who)
            return _shown(job)

        return self.write(change)

    def _days(self, typed: dict[str, Any]) -> None:
        try:
            self.days(typed, "next_contact_on")
        except InvalidInputError as refusal:
            raise _beside_set(refusal) from None


def _which(body: dict[str, Any], who: Actor) -> Select[Any] | Collection[int]:
    if "customers" in body:
        return [number for number in body["customers"] if number > 0]
    listed = list_of(Customer)
    assert listed is not None
    return listed.keys_of(urlencode({"where": body["where"]}), who)


def _people(session: Session, wanted: dict[str, Any]) -> dict[str, int | None]:
    """The ids of the owner and the team that are named. Raises InvalidInputError."""
    ids: dict[str, int | None] = {}
    finds: dict[str, Any] = {"owner": member_by_username, "team": team_by_code}
    for key, find in finds.items():
        if key in wanted:
            row: Member | Team | None = find(session, wanted[key]) if wanted[key] else None
            if wanted[key] and row is None:
                raise not_here(f"set.{key}", _("There is none of this name."))
            ids[key] = row.id if row is not None else None
    return ids


def _beside_set(refusal: InvalidInputError) -> InvalidInputError:
    return InvalidInputError(
        fields={key if key == "set" else f"set.{key}": told for key, told in refusal.fields.items()}
    )


def _preview(session: Session, job: BulkEdit, who: Actor) -> dict[str, Any]:
    found = queries.preview(session, job, who)
    return {
        "changes": found.changes, "same": found.counts.get(queries.Fate.same, 0), "refused": found.refused,
        "reasons": {str(fate): count for fate, count in found.counts.items()
                    if fate not in (queries.Fate.change, queries.Fate.same)},
    }  # fmt: skip


def _shown(job: BulkEdit) -> dict[str, Any]:
    who, session = edge.actor(), db.session()
    told = {
        key: value for key, value in job.changes.items()
        if not key.startswith(extra.PREFIX) and who.reads("Customer", key_of(key))
    }  # fmt: skip
    own = {key: value for key, value in job.changes.items() if key.startswith(extra.PREFIX) and key in own_texts(who)}
    if own:
        told["own"] = {key.removeprefix(extra.PREFIX): value for key, value in own.items()}
    owner = session.get(Member, told["owner"]) if told.get("owner") else None
    team = session.get(Team, told["team"]) if told.get("team") else None
    return {
        "id": job.id, "state": str(job.state), "by": job.member.username,
        "set": {**told, **({"owner": owner.username} if owner else {}), **({"team": team.code} if team else {})},
        "total": job.rows_all, "done": job.rows_done, "written": job.written, "problem": job.problem,
        "may_undo": services.can_undo(job), "created_at": moment(job.created_at),
        "applied_at": moment(job.applied_at), "finished_at": moment(job.finished_at),
    }  # fmt: skip
