"""Which words stand on a customer, and how do they come, change their name and go?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.catalogues.models import Colour
from app.core import clock
from app.core.access import Actor
from app.core.i18n import _
from app.core.vietnamese import fold
from app.customers import indexing, rules
from app.customers.models import Customer
from app.customers.profile import Problems
from app.customers.profile_models import TAG_LENGTH, CustomerTag, Tag
from app.customers.services import lock_for, record_timeline

#: on one customer
MOST_TAGS = 30
_BETWEEN = frozenset(",;")


def set_tags(session: Session, customer: Customer, names: Iterable[str], *, by: Actor) -> Sequence[Tag]:
    """These tags, and no others, stand on the customer; a new word becomes a tag. Raises InvalidInputError ("tags")."""
    lock_for(session, customer, by, "edit")
    wanted, present = called(session, names), worn(session, [customer.id]).get(customer.id, [])
    added = [tag for tag in wanted if tag not in present]
    gone = [tag for tag in present if tag not in wanted]
    if added or gone:
        retag(session, {customer.id: (added, gone)})
        data = {"added": [tag.name for tag in added], "removed": [tag.name for tag in gone]}
        record_timeline(session, customer.id, kind="tagged", by=by, data=data)
    return wanted


def worn(session: Session, customer_ids: Collection[int]) -> dict[int, list[Tag]]:
    """Customer → the tags on him, the oldest first; nobody without any."""
    rows = select(CustomerTag.customer_id, Tag).join(Tag, Tag.id == CustomerTag.tag_id).order_by(CustomerTag.id)
    found: dict[int, list[Tag]] = {}
    for customer_id, tag in session.execute(rows.where(CustomerTag.customer_id.in_(customer_ids))):
        found.setdefault(customer_id, []).append(tag)
    return found


def retag(session: Session, changes: Mapping[int, tuple[Sequence[Tag], Sequence[Tag]]]) -> None:
    """Customer → (tags that are put on, tags that are taken off). The caller has locked them, and tells of it."""
    if not changes:
        return
    off = {(customer_id, tag.id) for customer_id, (_on, gone) in changes.items() for tag in gone}
    if off:
        for one in session.scalars(select(CustomerTag).where(CustomerTag.customer_id.in_(changes))):
            if (one.customer_id, one.tag_id) in off:
                session.delete(one)
    for customer_id, (added, _off) in changes.items():
        for tag in added:
            tag.archived_at = None
            session.add(CustomerTag(customer_id=customer_id, tag_id=tag.id))
    session.flush()
    indexing.renew(session, list(changes))


def change_tags(
    session: Session, customer: Customer, names: Iterable[str], *, instead_of: Iterable[str], by: Actor
) -> Sequence[Tag]:
    """What somebody made of the tags that he saw: those that others put on or took off meanwhile stay so."""
    lock_for(session, customer, by, "edit")
    wanted, began = read_names(names), read_names(instead_of)
    present = {one.tag.key: one.tag.name for one in session.scalars(_on(customer))}
    kept = {key: name for key, name in present.items() if key in wanted or key not in began}
    return set_tags(session, customer, [*kept.values(), *(wanted[key] for key in wanted if key not in began)], by=by)


def change_tag(
    session: Session, tag: Tag, *, by: Actor, name: str | None = None, colour: Colour | None = None
) -> Tag:  # fmt: skip
    """Another name or colour, for all customers who have it. Raises InvalidInputError beside "name"."""
    by.must("edit", "Catalogue")
    session.refresh(tag, with_for_update=True)
    if name is not None:
        problems = Problems()
        with problems.beside("name"):
            tag_name = _read(name)
            twin = session.scalars(select(Tag).where(Tag.key == fold(tag_name), Tag.id != tag.id)).one_or_none()
            if twin is not None:
                raise rules.UnreadableError(_("There is a tag “%(name)s” already.", name=twin.name))
            tag.name, tag.key = tag_name, fold(tag_name)
        problems.refuse_any()
        indexing.changed(session, indexing.tagged(tag.id))
    if colour is not None:
        tag.colour = colour
    session.flush()
    return tag


def archive_tag(session: Session, tag: Tag, *, by: Actor) -> None:
    """Nobody is offered it any more; who has it keeps it."""
    by.must("edit", "Catalogue")
    if tag.archived_at is None:
        tag.archived_at = clock.now()
        session.flush()


def restore_tag(session: Session, tag: Tag, *, by: Actor) -> None:
    by.must("edit", "Catalogue")
    if tag.archived_at is not None:
        tag.archived_at = None
        session.flush()


def _on(customer: Customer) -> Select[CustomerTag]:
    return select(CustomerTag).where(CustomerTag.customer_id == customer.id).order_by(CustomerTag.id)


def _read(name: str) -> str:
    line = rules.read_line(name.replace("#", ""), TAG_LENGTH)
    if not fold(line):
        raise rules.UnreadableError(_("Please fill this in."))
    if set(line) & _BETWEEN:
        raise rules.UnreadableError(_("A tag has no comma and no semicolon: they stand between two tags."))
    return line


def read_names(names: Iterable[str]) -> dict[str, str]:
    """Key → name of the tags that these words name, each once. Raises InvalidInputError ("tags")."""
    problems = Problems()
    read: dict[str, str] = {}
    with problems.beside("tags"):
        for name in names:
            line = _read(name)
            read.setdefault(fold(line)[:TAG_LENGTH], line)
        _refuse_many(len(read))
    problems.refuse_any()
    return read


def refuse_many(count: int) -> None:
    """Raises InvalidInputError ("tags") where a customer would have more than MOST_TAGS."""
    problems = Problems()
    with problems.beside("tags"):
        _refuse_many(count)
    problems.refuse_any()


def _refuse_many(count: int) -> None:
    if count > MOST_TAGS:
        raise rules.UnreadableError(_("A customer has at most %(count)d tags.", count=MOST_TAGS))


def called(session: Session, names: Iterable[str]) -> list[Tag]:
    """The tags of these names, each once; those that are not there yet are made, archived ones come back."""
    read = read_names(names)
    if not read:
        return []
    known = {tag.key: tag for tag in session.scalars(select(Tag).where(Tag.key.in_(read)).with_for_update())}
    for key, line in read.items():
        tag = known.get(key)
        if tag is None:
            known[key] = tag = Tag(name=line, key=key)
            session.add(tag)
    session.flush()
    return [known[key] for key in read]
