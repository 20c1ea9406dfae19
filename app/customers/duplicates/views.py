"""Which customers may be one? The list, two side by side; and why a number is saved that somebody has already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, edge, links, paging
from app.core.access import Actor, get_visible, visible
from app.core.db import db, row_id
from app.core.errors import BusinessError, InvalidInputError, NotFoundError
from app.core.i18n import _, ngettext
from app.core.pages import Page, Undo, done, page, page_number, page_of, refused_onto, show, trail
from app.core.screens import extra
from app.customers import queries as queries_of_customers
from app.customers.duplicates import comparing, deciding, merging, queries
from app.customers.duplicates.fields import CHOICES, Side
from app.customers.duplicates.hard import DuplicateCustomerError
from app.customers.duplicates.models import UNDO_WITHIN, CustomerMerge, DuplicatePair, DuplicateRun, PairState, RunKind
from app.customers.models import Customer

#: what the page asks for
REASON = "duplicate_reason"


def ask_why(refusal: BusinessError, back: str) -> Any:
    """The page that asks, with all that was typed on the one before: it is sent once more with the reason."""
    typed = [(name, text) for name, text in request.form.items(multi=True) if name not in ("csrf_token", REASON)]
    problem = ""
    if isinstance(refusal, InvalidInputError):
        problem = " ".join(str(one) for one in refusal.fields.get(REASON, ()))
    return show(
        "customers/known_twice.html", refusal.status, typed=typed, back=back, problem=problem,
        matches=refusal.matches if isinstance(refusal, DuplicateCustomerError) else (),
        reason=request.form.get(REASON, ""), action=request.full_path.rstrip("?"),
        crumbs=trail((_("Customers"), "/khach-hang/list/"), here=_("Known already")),
    )  # fmt: skip


PATH = "/nghi-trung"
_HERE = (_("Suspected duplicates"), f"{PATH}/")
_TABS: Sequence[tuple[str, Any]] = (
    ("", _("To decide")), ("khong-phai", _("Not the same")), ("da-gop", _("Made one")), ("lan-tim", _("Searches")),
)  # fmt: skip
_SIZE = 25
#: of the one who stays: the first or the second of the address
_KEPT = "kept"
_PREFERRED = "preferred"
#: the summary was read and agreed to
_SURE = "sure"


def pair_path(first: int, second: int) -> str:
    return f"{PATH}/{first}/{second}"


class DuplicatePages(Page):
    """/nghi-trung: pairs that may be one, each side by side, and what was made one lately."""

    resource = "Customer"
    route_base = PATH

    @page("/", right="delete")
    def index(self) -> Any:
        session, who = db.session(), edge.actor()
        chosen = request.args.get("muc", "")
        if chosen not in dict(_TABS):
            raise NotFoundError
        lists: dict[str, Any] = {
            "": queries.pairs(who), "khong-phai": queries.pairs(who, PairState.not_duplicate),
            "da-gop": queries.merges(who), "lan-tim": queries.runs(),
        }  # fmt: skip
        counts = paging.counts(session, lists)
        number = page_number()
        found = session.scalars(lists[chosen].limit(_SIZE).offset((number - 1) * _SIZE)).all()
        last = session.scalars(queries.runs().where(DuplicateRun.ended_at.is_not(None)).limit(1)).first()
        return show(
            "duplicates/list.html",
            tabs=[
                {"label": label, "url": f"{PATH}/?muc={key}" if key else f"{PATH}/", "current": key == chosen,
                 "count": counts[key][0] if key != "lan-tim" else None, "capped": counts[key][1]}
                for key, label in _TABS
            ],
            chosen=chosen, last=last, rows=[_row(session, one, who) for one in found],
            page=page_of(number, len(found), counts[chosen], size=_SIZE), path=PATH,
        )  # fmt: skip

    @page("/<first>/<second>", right="delete")
    def compare(self, first: str, second: str) -> Any:
        return _compare(first, second)

    @page("/<first>/<second>", "POST", right="delete")
    def merge(self, first: str, second: str) -> Any:
        number, other = row_id(first), row_id(second)
        keeps_first = request.form.get(_KEPT, "0") != "1"
        kept, merged = (number, other) if keeps_first else (other, number)
        seen = [row_id(request.form.get(name, "")) for name in ("rev0", "rev1")]
        chosen = comparing.sides(_taken(), keeps_first=keeps_first)
        liked = {"0": keeps_first, "1": not keeps_first}.get(request.form.get(_PREFERRED, ""), True)
        match request.form.get(_SURE):
            case None:
                return _ask(first, second, (seen[0], seen[1]))
            case "0":
                return _compare(first, second)
        try:
            with edge.transaction() as session:
                log = merging.merge_customers(
                    session, by=edge.actor(), kept_id=kept, merged_id=merged,
                    revs=(seen[0], seen[1]) if keeps_first else (seen[1], seen[0]), sides=chosen,
                    preferred=Side.kept if liked else Side.merged,
                )  # fmt: skip
                told = _("%(merged)s is part of %(kept)s now.", merged=log.merged.code, kept=log.kept.code)
                undo = Undo(f"{PATH}/gop/{log.id}/hoan-tac")
        except NotFoundError:
            raise
        except BusinessError as refusal:
            return _compare(first, second, refusal=refusal)
        return done(links.customer_path(kept), told, undo=undo)

    @page("/cap/<pair_id>/<verb>", "POST", right="delete")
    def decide(self, pair_id: str, verb: str) -> Any:
        verbs = {"khong-phai": deciding.say_not_duplicate, "xem-lai": deciding.look_again}
        if verb not in verbs:
            raise NotFoundError
        number = row_id(pair_id)
        try:
            with edge.transaction() as session:
                verbs[verb](session, number, by=edge.actor())
        except BusinessError as refusal:
            return refused_onto(f"{PATH}/", refusal)
        if verb == "xem-lai":
            return done(f"{PATH}/", _("The pair stands in the list again."))
        told = _("Noted: not the same customer. Nobody is asked again.")
        return done(f"{PATH}/", told, undo=Undo(f"{PATH}/cap/{number}/xem-lai"))

    @page("/gop/<merge_id>/hoan-tac", "POST", right="delete")
    def undo(self, merge_id: str) -> Any:
        number = row_id(merge_id)
        try:
            with edge.transaction() as session:
                undone = merging.undo_merge(session, number, by=edge.actor())
                address = links.customer_path(undone.kept.id)
                told = _undone(undone)
        except BusinessError as refusal:
            return refused_onto(f"{PATH}/?muc=da-gop", refusal)
        return done(address, told)


def _undone(undone: merging.Undone) -> str:
    told = str(_("%(merged)s and %(kept)s are two customers again.", merged=undone.merged.code, kept=undone.kept.code))
    if undone.fields:
        names = dict.fromkeys(str(comparing.label_of(key)) for key in undone.fields)
        told += " " + str(_("Changed since, and left as it is: %(fields)s.", fields=", ".join(names)))
    if undone.rows:
        told += " " + str(ngettext(
            "%(num)d record was changed since and stays where it is.",
            "%(num)d records were changed since and stay where they are.", undone.rows,
        ))  # fmt: skip
    return told


def _taken() -> dict[str, str]:
    keys = [*(choice.key for choice in CHOICES), *extra.fields_of("Customer")]
    return {key: request.form.get(f"f-{key}", "") for key in keys}


def _seen() -> dict[str, tuple[str, str]] | None:
    """What stood in each row when it was chosen; None: nothing has been chosen yet."""
    if request.method != "POST":
        return None
    keys = [name.removeprefix("was0-") for name in request.form if name.startswith("was0-")]
    pairs = {key: [request.form.get(f"was{at}-{key}", "") for at in (0, 1)] for key in keys}
    return {key: ("\n".join(one.splitlines()), "\n".join(other.splitlines())) for key, (one, other) in pairs.items()}


def _row(session: Session, one: Any, who: Actor) -> dict[str, Any]:
    if isinstance(one, DuplicatePair):
        return {
            "id": one.id, "first": one.first, "second": one.second, "url": pair_path(one.first_id, one.second_id),
            "reasons": comparing.reason_words(comparing.may_be_told(one.reasons, who)), "note": one.note,
            "percent": one.score // 10 if one.note is None else None, "at": one.decided_at or one.found_at,
            "by": one.decided_by.name if one.decided_by is not None else "",
            "phones": [queries_of_customers.reached_first(each, who) or "" for each in (one.first, one.second)],
        }  # fmt: skip
    if isinstance(one, CustomerMerge):
        return {
            "id": one.id, "kept": one.kept, "merged": one.merged, "url": links.customer_path(one.kept_id), "at": one.at,
            "by": one.by.name if one.by is not None else "", "undo_url": f"{PATH}/gop/{one.id}/hoan-tac",
        }  # fmt: skip
    return {"run": one, "is_full": one.kind is RunKind.full}


def _both(session: Session, first: str, second: str, who: Actor) -> tuple[Customer, Customer]:
    one, other = (get_visible(session, Customer, row_id(number), who) for number in (first, second))
    if one.id == other.id:
        raise NotFoundError
    return one, other


def _ask(first: str, second: str, revs: tuple[int, int]) -> Any:
    """What would happen, before it does."""
    session, who = db.session(), edge.actor()
    both = _both(session, first, second, who)
    keeps_first = request.form.get(_KEPT, "0") != "1"
    kept, merged = both if keeps_first else both[::-1]
    try:
        merging.refuse_merged(session, kept, merged, revs if keeps_first else (revs[1], revs[0]))
    except BusinessError as refusal:
        return _compare(first, second, refusal=refusal)
    rows = comparing.rows(session, *both, who, _taken(), keeps_first=keeps_first)
    stays = 0 if keeps_first else 1
    return show(
        "duplicates/sure.html", kept=kept, merged=merged, counted=comparing.counted(session, merged.id, who),
        taken=[row for row in rows if row.chosen != stays],
        dropped=[(row.label, told) for row in rows if row.chosen == stays and (told := row.values[1 - stays])],
        typed=[one for one in request.form.items(multi=True) if one[0] != "csrf_token"],
        until=clock.now() + UNDO_WITHIN,
        crumbs=trail((_("Customers"), "/khach-hang/list/"), _HERE, here=f"{both[0].code} · {both[1].code}"),
    )  # fmt: skip


def _compare(first: str, second: str, refusal: BusinessError | None = None) -> Any:
    session, who = db.session(), edge.actor()
    both = _both(session, first, second, who)
    kept = request.form.get(_KEPT, "0")
    known = queries.pair_of(session, both[0].id, both[1].id)
    pair = known if known is not None and _is_his(session, known, who) else None
    codes = comparing.may_be_told(pair.reasons, who) if pair is not None else []
    rows = comparing.rows(session, *both, who, _taken(), keeps_first=kept != "1", seen=_seen())
    return show(
        "duplicates/compare.html", refusal.status if refusal is not None else 200,
        crumbs=trail((_("Customers"), "/khach-hang/list/"), _HERE, here=f"{both[0].code} · {both[1].code}"),
        both=[
            {"item": one, "url": links.customer_path(one.id), "contacts": comparing.contacts(one, who),
             "counted": comparing.counted(session, one.id, who)}
            for one in both
        ],
        rows=rows, changed=[row.label for row in rows if row.was], pair=pair,
        alike=comparing.alike(session, both[0], both[1], who), reasons=comparing.reason_words(codes),
        kept=kept, preferred=request.form.get(_PREFERRED, kept),
        refusal=refusal, back=f"{PATH}/", path=PATH,
    )  # fmt: skip


def _is_his(session: Session, pair: DuplicatePair, who: Actor) -> bool:
    rows = select(DuplicatePair.id).where(DuplicatePair.id == pair.id, visible(DuplicatePair, who))
    return session.scalar(rows) is not None
