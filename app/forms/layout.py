"""On which pages and in which sections do the fields of a form stand?

`pages`: [{"key", "title"}], `sections`: [{"key", "title", "page", "visible_if"}], both in their order and both left out
by a form that needs none. A field names its section; one that names none stands in the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.core.conditions import Condition
from app.core.i18n import _
from app.forms.fields.base import FormField, words_flaws
from app.forms.fields.definition import LONGEST_NAMED, Problem
from app.forms.fields.settings import FIELD_KEY
from app.forms.fields.when import condition_flaw
from app.forms.words import Words

MOST_PAGES = 20
MOST_SECTIONS = 60


@dataclass(frozen=True)
class Part:
    """A page, or a section of one. A section without a title is told by its place alone."""

    key: str
    title: Words = ""
    #: of a section: on which page it stands; "": the first
    page: str = ""


@dataclass(frozen=True)
class Placed:
    """A section with what stands in it."""

    section: Part
    fields: tuple[FormField, ...]


def layout_problems(drawn: Mapping[str, object]) -> Iterator[Problem]:
    """All that is wrong with pages and sections as they were sent, and with the fields' places in them."""
    pages, sections = drawn.get("pages"), drawn.get("sections")
    yield from _parts_problems(pages, "pages", {"key", "title"}, most=MOST_PAGES)
    yield from _parts_problems(sections, "sections", {"key", "title", "page", "visible_if"}, most=MOST_SECTIONS)
    known = _keys(sections)
    for number, section in enumerate(_listed(sections)):
        if section.get("page") not in (None, "", *_keys(pages)):
            yield Problem(f"sections[{number}].page", "dead_reference", _("This page is not there."))
    for number, field in enumerate(_listed(drawn.get("fields"))):
        if isinstance(field.get("section"), str) and field["section"] not in known:
            yield Problem(f"fields[{number}].section", "dead_reference", _("This section is not there."))


def _parts_problems(drawn: object, path: str, properties: set[str], *, most: int) -> Iterator[Problem]:
    if drawn is None:
        return
    if not isinstance(drawn, list) or len(drawn) > most:
        yield Problem(path, "bad_parts", _("A list of at most %(most)d parts, please.", most=most))
        return
    seen: set[object] = set()
    for number, part in enumerate(drawn):
        place = f"{path}[{number}]"
        if not isinstance(part, dict):
            yield Problem(place, "not_an_object", _("A page or section is an object with key and title."))
            continue
        for name in sorted(set(part) - properties):
            yield Problem(f"{place}.{name[:LONGEST_NAMED]}", "unknown_property", _("This property is not known."))
        key = part.get("key")
        if not isinstance(key, str) or not FIELD_KEY.fullmatch(key):
            wanted = _("A key begins with a small letter and has only a-z, 0-9 and _, at most 41. Example: order_code")
            yield Problem(f"{place}.key", "bad_key", wanted)
        elif key in seen:
            yield Problem(f"{place}.key", "duplicate_key", _("Two parts of the form have the same key."))
        else:
            seen.add(key)
        if part.get("visible_if") not in (None, ""):
            wrong = condition_flaw(part["visible_if"], "visible_if")
            if wrong is not None:
                yield Problem(f"{place}.{wrong.property}", wrong.code, wrong.message)
        if part.get("title") not in (None, ""):
            for flaw in words_flaws(part["title"], "title"):
                yield Problem(f"{place}.{flaw.property}", flaw.code, flaw.message)


def _listed(drawn: object) -> list[dict[str, object]]:
    return [one for one in drawn if isinstance(one, dict)] if isinstance(drawn, list) else []


def _keys(drawn: object) -> list[object]:
    return [one.get("key") for one in _listed(drawn)]


def with_section(drawn: object) -> Callable[[FormField], FormField]:
    """Adds to a field what must hold for its section to be asked. A section's condition that is wrong is none."""
    sections = [one for one in _listed(drawn) if isinstance(one.get("key"), str)]
    conditions = {
        one["key"]: Condition.from_json(one["visible_if"]) for one in sections
        if one.get("visible_if") not in (None, "") and condition_flaw(one["visible_if"], "") is None
    }  # fmt: skip
    first = sections[0]["key"] if sections else None

    def added(one: FormField) -> FormField:
        section = conditions.get(one.spec.section or first)
        return one if section is None else replace(one, shown_if=(section, *one.shown_if))

    return added


def read_parts(drawn: Iterable[Mapping[str, Any]] | None) -> tuple[Part, ...]:
    """Pages or sections behind their checked definition."""
    return tuple(Part(one["key"], one.get("title") or "", one.get("page") or "") for one in drawn or ())


def placed(
    pages: Sequence[Part], sections: Sequence[Part], fields: Sequence[FormField]
) -> list[tuple[Part, list[Placed]]]:
    """The pages in their order, each with its sections and what stands in them; a form without any has one of each."""
    first_page = pages[0] if pages else Part("")
    first = sections[0] if sections else Part("")
    held: dict[str, list[FormField]] = {one.key: [] for one in sections or (first,)}
    for field in fields:
        held[field.spec.section if field.spec.section in held else first.key].append(field)
    return [
        (page, [
            Placed(section, tuple(held[section.key])) for section in sections or (first,)
            if (section.page or first_page.key) == page.key
        ])
        for page in pages or (first_page,)
    ]  # fmt: skip
