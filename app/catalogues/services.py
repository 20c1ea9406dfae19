"""What changes a catalogue? Entries come, are renamed, put into order, retired, and go only where nobody uses them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries, rules
from app.catalogues.models import Catalogue, CatalogueEntry, Colour
from app.catalogues.shipped import CATALOGUES
from app.core import clock, uses, versions
from app.core.access import SYSTEM, Actor
from app.core.errors import BadRequestError, ConflictError, InvalidInputError, Sentence
from app.core.i18n import _

#: codes that a sentence names at most
_MOST_NAMED = 12


class UnknownCodeError(ValueError):
    """No entry has this code, or it is not chosen any more; `sentence` names those that are."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def ensure_catalogues(session: Session) -> None:
    """Make the catalogues that every company begins with; one that is there already is the company's own."""
    known = set(session.scalars(select(Catalogue.code)))
    for position, shipped in enumerate(CATALOGUES, start=1):
        if shipped.code in known:
            continue
        catalogue = Catalogue(
            code=shipped.code, label_vi=shipped.label[0], label_en=shipped.label[1], purpose_vi=shipped.purpose[0],
            purpose_en=shipped.purpose[1], position=position, is_system=True,
        )  # fmt: skip
        session.add(catalogue)
        session.flush()
        session.add_all(
            CatalogueEntry(catalogue_id=catalogue.id, code=code, label_vi=label_vi, label_en=label_en, colour=colour,
                           position=place)
            for place, (code, label_vi, label_en, colour) in enumerate(shipped.entries, start=1)
        )  # fmt: skip
        versions.changed(session, queries.VERSION)
    session.flush()


def create_catalogue(session: Session, *, by: Actor, label_vi: str, label_en: str = "", purpose: str = "") -> Catalogue:
    """A list of the company's own. Raises InvalidInputError beside label_vi, label_en or purpose."""
    by.must("edit", "Catalogue")
    read = _read(label_vi, label_en)
    told = " ".join(purpose.split())
    if len(told) > 200 or "\0" in told:
        raise InvalidInputError(fields={"purpose": [_("At most %(count)d characters, please.", count=200)]})
    known = list(session.scalars(queries.catalogues().with_for_update()))
    if any(rules.same(one.label_vi) == rules.same(read[0]) for one in known):
        raise InvalidInputError(fields={"label_vi": [_("There is a catalogue of this name already.")]})
    catalogue = Catalogue(
        code=rules.code_of(read[0], {one.code for one in known}),
        label_vi=read[0], label_en=read[1] or read[0], purpose_vi=told, purpose_en=told,
        position=max((one.position for one in known), default=0) + 1,
    )  # fmt: skip
    session.add(catalogue)
    session.flush()
    versions.changed(session, queries.VERSION)
    return catalogue


def add_entries(session: Session, catalogue: Catalogue, *, by: Actor, pasted: str) -> Sequence[CatalogueEntry]:
    """One entry a line, behind those that are there; all of them or none.

    Raises InvalidInputError beside `entries`, with a sentence for every line that is there already.
    """
    by.must("edit", "Catalogue")
    try:
        lines = rules.read_lines(pasted)
    except rules.UnreadableError as unreadable:
        raise InvalidInputError(fields={"entries": [unreadable.sentence]}) from unreadable
    known = _locked_entries(session, catalogue)
    if len(known) + len(lines) > rules.MOST_ENTRIES:
        sentence = _("A catalogue holds at most %(count)d entries.", count=rules.MOST_ENTRIES)
        raise InvalidInputError(fields={"entries": [sentence]})
    labels, codes = {rules.same(one.label_vi): one for one in known}, {one.code for one in known}
    problems: list[Sentence] = []
    made: list[CatalogueEntry] = []
    last = max((one.position for one in known), default=0)
    for line in lines:
        same = rules.same(line.label_vi)
        if same in labels:
            problems.append(_taken(line.label_vi, labels[same]))
            continue
        entry = CatalogueEntry(
            catalogue_id=catalogue.id, code=rules.code_of(line.label_vi, codes), label_vi=line.label_vi,
            label_en=line.label_en, colour=Colour.grey, position=last + len(made) + 1,
        )  # fmt: skip
        labels[same] = entry
        codes.add(entry.code)
        made.append(entry)
    if problems:
        raise InvalidInputError(fields={"entries": problems})
    session.add_all(made)
    _changed(session)
    return made


def change_entry(
    session: Session, entry: CatalogueEntry, *, by: Actor, rev: int, label_vi: str | None = None,
    label_en: str | None = None, colour: str | None = None,
) -> None:  # fmt: skip
    """Rename it, or give it another colour; its code stays. Raises ConflictError on another `rev`."""
    by.must("edit", "Catalogue")
    known = _locked_entries(session, entry.catalogue)
    session.refresh(entry)
    if entry.rev != rev:
        raise ConflictError(at=entry.updated_at, rev=entry.rev)
    read_vi, read_en = _read(entry.label_vi if label_vi is None else label_vi,
                             entry.label_en if label_en is None else label_en)  # fmt: skip
    twin = next((one for one in known if one is not entry and rules.same(one.label_vi) == rules.same(read_vi)), None)
    if twin is not None:
        raise InvalidInputError(fields={"label_vi": [_taken(read_vi, twin)]})
    if colour is not None and colour not in set(Colour):
        sentence = _("Please use one of: %(choices)s.", choices=", ".join(Colour))
        raise InvalidInputError(fields={"colour": [sentence]})
    entry.label_vi, entry.label_en = read_vi, read_en
    if colour is not None:
        entry.colour = Colour(colour)
    _changed(session)


def retire_entry(session: Session, entry: CatalogueEntry, *, by: Actor) -> None:
    """Nobody chooses it any more; who has it keeps it."""
    by.must("edit", "Catalogue")
    if not entry.is_retired:
        entry.retired_at = clock.now()
        _changed(session)


def bring_back_entry(session: Session, entry: CatalogueEntry, *, by: Actor) -> None:
    """It can be chosen again."""
    by.must("edit", "Catalogue")
    if entry.is_retired:
        entry.retired_at = None
        _changed(session)


def delete_entry(session: Session, entry: CatalogueEntry, *, by: Actor) -> None:
    """It was never used, so nothing remembers it. Raises InUseError with who does, otherwise."""
    by.must("edit", "Catalogue")
    session.refresh(entry, with_for_update={"of": CatalogueEntry})
    used = uses.uses_of(session, CatalogueEntry, entry.id, SYSTEM, limit=0)
    if used:
        raise uses.InUseError(
            _("“%(name)s” cannot be deleted: it is used by %(users)s. Retire it instead.",
              name=entry.label, users=uses.told(used))
        )  # fmt: skip
    session.delete(entry)
    _changed(session)


def move_entry(session: Session, entry: CatalogueEntry, *, by: Actor, up: bool) -> None:
    """One place up or down; the first and the last stay where they are."""
    by.must("edit", "Catalogue")
    order = _locked_entries(session, entry.catalogue)
    at = order.index(entry)
    other = at - 1 if up else at + 1
    if 0 <= other < len(order):
        order[at], order[other] = order[other], order[at]
        _put_in_order(session, order)


def arrange_entries(session: Session, catalogue: Catalogue, *, by: Actor, codes: Sequence[str]) -> None:
    """All its entries in this order. Raises ConflictError when others came or went meanwhile."""
    by.must("edit", "Catalogue")
    if len(set(codes)) != len(codes):
        raise BadRequestError
    known = {one.code: one for one in _locked_entries(session, catalogue)}
    if set(codes) != set(known):
        raise ConflictError(_("Somebody added or removed an entry meanwhile. Load the page again."))
    _put_in_order(session, [known[code] for code in codes])


def chosen_code(session: Session, catalogue: str, typed: str | None, *, present: str | None = None) -> str | None:
    """The code, if it may be chosen: an entry in use, or the one that the record has already. None for nothing.

    Inside a transaction the entry stays until its end. Raises UnknownCodeError.
    """
    code = (typed or "").strip()
    if not code:
        return None
    if code == present:
        return code
    found = session.scalar(
        select(CatalogueEntry.code)
        .join(Catalogue, Catalogue.id == CatalogueEntry.catalogue_id)
        .where(Catalogue.code == catalogue, CatalogueEntry.code == code, CatalogueEntry.retired_at.is_(None))
        .with_for_update(read=True, of=CatalogueEntry)
    )
    if found is None:
        allowed = [one.code for one in queries.entries(session, catalogue) if not one.retired]
        named = ", ".join(allowed[:_MOST_NAMED]) + (", …" if len(allowed) > _MOST_NAMED else "")
        raise UnknownCodeError(_("“%(code)s” is none of: %(allowed)s.", code=code[:60], allowed=named))
    return found


# ── what they share ──
def _read(label_vi: str, label_en: str) -> tuple[str, str]:
    problems: dict[str, list[Sentence]] = {}
    read = {}
    for key, typed in (("label_vi", label_vi), ("label_en", label_en)):
        try:
            read[key] = rules.read_label(typed, needed=key == "label_vi")
        except rules.UnreadableError as unreadable:
            problems[key] = [unreadable.sentence]
    if problems:
        raise InvalidInputError(fields=problems)
    return read["label_vi"], read["label_en"]


def _taken(label: str, twin: CatalogueEntry) -> Sentence:
    if twin.is_retired:
        return _("“%(name)s” is in this catalogue already, no longer used. Bring it back instead.", name=label)
    return _("“%(name)s” is in this catalogue already.", name=label)


def _locked_entries(session: Session, catalogue: Catalogue) -> list[CatalogueEntry]:
    """All of them in their order; nobody else changes this catalogue until the transaction ends."""
    session.execute(select(Catalogue.id).where(Catalogue.id == catalogue.id).with_for_update())
    return list(session.scalars(queries.entries_of(catalogue).execution_options(populate_existing=True)))


def _put_in_order(session: Session, order: Collection[CatalogueEntry]) -> None:
    for position, entry in enumerate(order, start=1):
        if entry.position != position:
            entry.position = position
    _changed(session)


def _changed(session: Session) -> None:
    session.flush()
    versions.changed(session, queries.VERSION)
