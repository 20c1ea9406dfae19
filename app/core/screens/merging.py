"""Somebody saved while another one typed: what is mine, what theirs, how was it, and which is kept, field by field?

The form carries what it showed when it was opened, signed (ADR 0017): so fields compare that are no columns too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, Form

from app.core.errors import ConflictError, Sentence
from app.core.i18n import _
from app.core.screens.fields import LookupField

#: hidden input with what the form showed
SEEN = "_seen"
#: in front of a field's name: which side of it is kept
KEEP = "keep-"
KEEP_ALL = "keep_all"
MINE, THEIRS = "mine", "theirs"


@dataclass(frozen=True)
class Said:
    """What stands in a field: as it is sent, and as people read it."""

    sent: str
    shown: str


Values = Mapping[str, Said]


def said(form: Form, names: Iterable[str]) -> dict[str, Said]:
    """What these fields of a form hold."""
    return {name: said_by(form[name]) for name in names}


def said_by(one: Field) -> Said:
    if isinstance(one, LookupField):
        return Said("", "") if one.data is None else Said(str(one.data.id), str(one.data))
    if isinstance(one, BooleanField):
        return Said("y" if one.data else "", str(_("Yes") if one.data else _("No")))
    if hasattr(one, "iter_choices"):
        sent = "" if one.data is None else str(one.data)
        return Said(sent, next((str(label) for value, label, *_more in one.iter_choices() if str(value) == sent), sent))
    text = str(one._value()).replace("\r\n", "\n")  # type: ignore[attr-defined]  # fields of one input have it
    return Said(text, text)


@dataclass(frozen=True)
class Choice:
    """A field in which mine and theirs differ. `kept` is "" where somebody has to choose."""

    name: str
    field: Field
    mine: Said
    theirs: Said
    #: None where it is not known how it was
    was: Said | None
    kept: str

    @property
    def changed(self) -> str:
        """By whom: mine, theirs, both; "" where it is not known."""
        return _changed(self.mine, self.theirs, self.was)


def _changed(mine: Said, theirs: Said, was: Said | None) -> str:
    if was is None:
        return ""
    if mine.sent == was.sent:
        return THEIRS
    return MINE if theirs.sent == was.sent else "both"


@dataclass(frozen=True)
class Seen:
    """What a form showed. `now` is what somebody else had saved, once that came out, with who it was and when."""

    was: Values = field(default_factory=dict)
    now: Values = field(default_factory=dict)
    names: Sequence[str] = ()
    by: str | None = None
    at: datetime | None = None

    def seal(self, subject: str) -> str:
        """For a hidden input. `subject` says whose it is: what another record's form showed says nothing here."""
        plain = {
            "of": subject,
            "was": {name: [one.sent, one.shown] for name, one in self.was.items()},
            "now": {name: [one.sent, one.shown] for name, one in self.now.items()},
            "names": list(self.names),
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
        }
        return str(_signer().dumps(plain))

    @classmethod
    def read(cls, sealed: str, subject: str) -> Seen:
        """What `seal` wrote; nothing where it is missing or not ours: then nobody knows how it was."""
        try:
            plain = _signer().loads(sealed)
        except BadSignature:
            return cls()
        if plain["of"] != subject:
            return cls()
        return cls(
            {name: Said(*one) for name, one in plain["was"].items()},
            {name: Said(*one) for name, one in plain["now"].items()},
            tuple(plain["names"]),
            plain["by"],
            datetime.fromisoformat(plain["at"]) if plain["at"] else None,
        )

    @property
    def base(self) -> Values:
        """What the next conflict is measured against: what was last seen of the saved record."""
        return self.now or self.was

    def choices(self, form: Form, mine: Values, kept: Mapping[str, str] | None = None) -> list[Choice]:
        """The fields that differ. Where one alone changed it, his is chosen beforehand; `kept` is what people chose."""
        found = []
        for name in self.names:
            was = self.was.get(name)
            beforehand = {MINE: MINE, THEIRS: THEIRS}.get(_changed(mine[name], self.now[name], was), "")
            chosen = beforehand if kept is None else kept.get(name, "")
            found.append(Choice(name, form[name], mine[name], self.now[name], was, chosen))
        return found

    def kept(self, typed: MultiDict[str, str]) -> dict[str, str]:
        """Which side was chosen, by field; those that were not are missing."""
        everything = typed.get(KEEP_ALL, "")
        wanted = {name: everything or typed.get(KEEP + name, "") for name in self.names}
        return {name: side for name, side in wanted.items() if side in (MINE, THEIRS)}

    def merged(self, typed: MultiDict[str, str], kept: Mapping[str, str]) -> MultiDict[str, str]:
        """What was typed, with theirs in the fields in which theirs was chosen."""
        merged = MultiDict(typed)
        for name, side in kept.items():
            if side == THEIRS:
                merged.setlist(name, [self.now[name].sent])
        return merged


def met(conflict: ConflictError, *, mine: Values, now: Values, base: Values) -> Seen:
    """What came out when somebody was faster."""
    names = tuple(name for name in mine if mine[name].sent != now[name].sent)
    return Seen(base, now, names, conflict.details.get("by"), conflict.details.get("at"))


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="tantam.seen")


CHOOSE: Sentence = _("Both of you changed this. Choose one.")
