"""What happened with a customer, told newest first: by kind, by channel, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode

from sqlalchemy import and_, func
from sqlalchemy.orm import Session

from app.catalogues.queries import Choices
from app.catalogues.shipped import CHANNEL
from app.comments import queries as comments
from app.core import clock, guarded, links, paging
from app.core.access import Actor, FieldRight
from app.core.errors import BadRequestError, Sentence
from app.core.formats import day_text, local, time_text
from app.core.i18n import _
from app.core.own_reasons import reason_told
from app.core.screens import extra
from app.core.timewords import day_heading
from app.customers import beside_fields, queries
from app.customers.beside_fields import BOUGHT, SAID
from app.customers.delivery import Delivery
from app.customers.models import TimelineEntry
from app.customers.profile_models import Interaction, Purchase
from app.customers.promise_models import Promise
from app.customers.timeline_words import CHANGED_FIELDS, NAMES, SIGNS, TEXTS, told
from app.security.models import Member

PAGE = 30


@dataclass(frozen=True)
class Group:
    """A chip over the timeline: entries of these kinds. The last group has every kind that no other names."""

    key: str
    label: Sentence
    kinds: frozenset[str] = frozenset()


_NAMED = (
    Group("cuoc-goi", _("Calls"), frozenset({"call"})),
    Group("tin-nhan", _("Messages"), frozenset({"message"})),
    Group("thu", _("Mails"), frozenset({"mail"})),
    Group("gap-mat", _("Visits"), frozenset({"visit"})),
    Group("ghi-chu", _("Notes"), frozenset({"note", "commented"})),
    Group("loi-hua", _("Promises"), frozenset({"promised", "promise_kept", "promise_broken", "promise_reopened"})),
    Group("phieu", _("Submissions"), frozenset({"form_submitted", "form_sent"})),
    Group("cong-viec", _("Tasks"), frozenset({"task_opened", "task_completed"})),
    Group("ho-so", _("Process files"), frozenset(
        {"instance_started", "instance_completed", "instance_cancelled", "instance_failed"})),
    Group("mua-hang", _("Purchases"), frozenset({"purchased", "purchase_removed"})),
)  # fmt: skip
_CHANGES = Group("thay-doi", _("Changes"), frozenset(TEXTS) - frozenset().union(*(one.kinds for one in _NAMED)))
GROUPS = (*_NAMED, _CHANGES)
_CHANNELS = Choices(CHANNEL)
_SUBJECTS = {"task": links.task_path, "instance": links.instance_path, "comment": links.comment_path}


class Asked(NamedTuple):
    """What of it is wanted: a group, a channel, the entries behind a row."""

    group: Group | None = None
    channel: str = ""
    cursor: paging.Cursor | None = None

    @property
    def is_narrowed(self) -> bool:
        return self.group is not None or bool(self.channel)


def read_asked(arguments: Mapping[str, str]) -> Asked:
    """?loai=cuoc-goi&kenh=zalo&truoc=…. Raises BadRequestError."""
    key, channel, before = (arguments.get(name, "") for name in ("loai", "kenh", "truoc"))
    group = next((one for one in GROUPS if one.key == key), None)
    if key and group is None:
        raise BadRequestError(_("%(name)s is not something to filter by.", name=key[:50]))
    return Asked(group, channel[:60], paging.read_cursor(before) if before else None)


class Counted(NamedTuple):
    """How many entries there are, of each kind and through each channel."""

    total: int
    kinds: Mapping[str, int]
    channels: Mapping[str, int]


def counted(session: Session, customer_id: int, who: Actor) -> Counted:
    """Of the whole timeline; one query."""
    rows = queries.timeline(customer_id, who).order_by(None).with_only_columns(
        TimelineEntry.kind, TimelineEntry.channel, func.count()
    )  # fmt: skip
    kinds: dict[str, int] = {}
    channels: dict[str, int] = {}
    for kind, channel, count in session.execute(rows.group_by(TimelineEntry.kind, TimelineEntry.channel)):
        kinds[kind] = kinds.get(kind, 0) + count
        if channel:
            channels[channel] = channels.get(channel, 0) + count
    return Counted(sum(kinds.values()), kinds, channels)


def shown(
    session: Session, customer_id: int, who: Actor, asked: Asked, size: int = PAGE, *, may_edit: bool = False
) -> dict[str, Any]:  # fmt: skip
    """{days: [{label, entries}], older: cursor or None}; equal things one after the other are told once."""
    rows = session.execute(_told_rows(customer_id, who, asked).limit(size + 1)).all()
    older = paging.Cursor(rows[size - 1][0].at, rows[size - 1][0].id).token if len(rows) > size else None
    rows = rows[:size]
    excerpts = comments.excerpts(session, [row[0].subject_id for row in rows if row[0].kind == "commented"])
    today = local(clock.now(), who.time_zone).date()
    days: list[dict[str, Any]] = []
    for entry, name, said, promise, bought in rows:
        day = local(entry.at, who.time_zone).date()
        quote = beside_fields.seen(who, SAID, said or promise)
        quote = quote or (excerpts.get(entry.subject_id, "") if entry.kind == "commented" else "")
        one = _entry(entry, who, name or "", quote, bought)
        one["edit_url"] = _edit_url(entry, who) if may_edit else None
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "label": day_heading(day, today), "entries": []})
        of_day = days[-1]["entries"]
        if of_day and of_day[-1]["same"] == one["same"]:
            of_day[-1]["times"] += 1
        else:
            of_day.append(one)
    return {"days": days, "older": older}


def _told_rows(customer_id: int, who: Actor, asked: Asked) -> Any:
    """The entries, each with who made it, what was said or promised, and what was bought."""
    about, kind = TimelineEntry.subject_id, TimelineEntry.subject_type
    written = and_(kind == "interaction", Interaction.id == about, Interaction.archived_at.is_(None))
    rows: Any = (
        queries.timeline(customer_id, who)
        .outerjoin(Member, Member.id == TimelineEntry.actor_id)
        .outerjoin(Interaction, written)
        .outerjoin(Promise, and_(kind == "promise", Promise.id == about))
        .outerjoin(Purchase, and_(kind == "purchase", Purchase.id == about))
        .with_only_columns(TimelineEntry, Member.name, Interaction.text, Promise.text, Purchase)
    )
    if asked.group is not None:
        rows = rows.where(TimelineEntry.kind.in_(sorted(asked.group.kinds)))
    if asked.channel:
        rows = rows.where(TimelineEntry.channel == asked.channel)
    if asked.cursor is not None:
        rows = paging.beyond(rows, TimelineEntry.at, TimelineEntry.id, asked.cursor, falling=True)
    return rows


def chips(path: str, asked: Asked, count: Counted) -> list[dict[str, Any]]:
    """Those groups of which there is something, and the one that is asked for."""

    def link(group: Group | None) -> str:
        query = {"loai": group.key if group else "", "kenh": asked.channel}
        kept = urlencode({key: value for key, value in query.items() if value})
        return f"{path}?{kept}" if kept else path

    found: list[dict[str, Any]] = [
        {"label": _("All"), "url": link(None), "current": asked.group is None, "count": None}
    ]
    for group in GROUPS:
        number = sum(count.kinds.get(kind, 0) for kind in group.kinds)
        if number or group is asked.group:
            found.append({"label": group.label, "url": link(group), "current": group is asked.group, "count": number})
    return found


def channels(asked: Asked, count: Counted) -> list[tuple[str, Any]]:
    """(code, label) of the channels that occur, for a choice; nothing where there is nothing to choose."""
    codes = set(count.channels) | ({asked.channel} if asked.channel else set())
    return sorted(((code, _CHANNELS.get(code, code)) for code in codes), key=lambda one: str(one[1]))


def _entry(row: TimelineEntry, actor: Actor, by: str, quote: str, bought: Purchase | None) -> dict[str, Any]:
    data, what = row.data, TEXTS.get(row.kind, row.kind)
    is_inbound, is_lost = data.get("direction") == "inbound", data.get("delivery") == Delivery.failed
    name = data.get(NAMES.get(row.kind, ""))
    kept = () if bought else ("code", "context")
    said = [str(data[key]) for key in kept if data.get(key) and data[key] != name]
    said += [one for key in data.get("fields", ()) if (one := _field_called(key, actor))]
    said += told(row, actor, bought)
    if row.kind == "changed" and data.get("form"):
        said.append(str(_("from the answers to “%(form)s”", form=data["form"])))
    if data.get("due_on"):
        said.append(str(_("by %(day)s", day=day_text(date.fromisoformat(data["due_on"])))))
    path = _SUBJECTS.get(row.subject_type or "")
    meta = " · ".join(said)
    reason = data.get("reason")
    if not quote and isinstance(reason, str):  # of a class it is what was counted, and told in words beside it
        quote = reason_told(reason)
    return {
        "at": row.at,
        "time": time_text(row.at, actor.time_zone),
        "sign": "phone-call" if row.kind == "call" and is_inbound else SIGNS.get(row.kind, "point"),
        "kind": "late" if is_lost else _MEANINGS.get(row.kind, "in" if is_inbound else ""),
        "quote": quote,
        "text": _("%(what)s: %(name)s", what=what, name=name) if name else what,
        "meta": meta,
        "by": by,
        "times": 1,
        "url": path(row.subject_id) if path and row.subject_id else None,
        # Two calls are two calls, however alike; what the system repeats is told once.
        "same": (row.kind, row.subject_id if row.subject_type in _EACH else None, name, meta, by, quote),
    }


def _edit_url(row: TimelineEntry, who: Actor) -> str | None:
    """Where what was written is put right; nowhere for a mail that went out from here."""
    place, field = {"interaction": ("lien-lac", SAID), "purchase": ("mua-hang", BOUGHT)}.get(
        row.subject_type or "", ("", "")
    )
    if not place or "delivery" in row.data or not who.writes("Customer", field):
        return None
    return f"/khach-hang/{row.customer_id}/{place}/{row.subject_id}"


_EACH = frozenset({"interaction", "promise", "purchase", "task"})
#: the colour of the sign
_MEANINGS = {
    "task_completed": "ok", "instance_completed": "ok", "promise_kept": "ok", "promise_broken": "late",
    "purchased": "ok",
}  # fmt: skip


def _field_called(key: str, actor: Actor) -> str:
    """A changed field in words; "" where it is hidden from him, or nobody asks for it any more."""
    if key.startswith(extra.PREFIX):
        added = extra.extra_of("Customer")
        one = extra.fields_of("Customer").get(key)
        if one is None or added is None or added.right_to(actor, key) is FieldRight.hidden:
            return ""
        return str(one.label)
    if actor.field_right("Customer", guarded.key_of(key)) is FieldRight.hidden:
        return ""
    return str(CHANGED_FIELDS.get(key, key))
