"""Does a form still mean the same, and what is different in it, in words? Pure: compares two definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import Sentence
from app.core.formats import number_text
from app.core.i18n import LANGUAGES, _
from app.forms.fields import TYPES
from app.forms.fields.settings import OneOf, Setting
from app.forms.fields.shared import SHARED
from app.forms.fields.when import RULES
from app.forms.words import Words, say

#: how a question is worded and where it stands: answers mean the same before and after
_LOOKS = frozenset({"label", "help", "message", "section", "width", "searchable"})
_OPTION_LOOKS = frozenset({"label"})
#: as good as not there
_NOTHING: tuple[object, ...] = (None, "", [], {})
#: characters of a text that are repeated in a sentence
_LONGEST_TOLD = 60

Field = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that is different. `key` is that of its field ("" for the form itself); `code` never changes."""

    key: str
    code: str
    message: Sentence = field(compare=False)


def same_meaning(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Is every answer that was right still right, and does it say the same? Words and places do not count."""
    return _whole_meaning(before) == _whole_meaning(after)


def _whole_meaning(drawn: Mapping[str, Any]) -> dict[str, Any]:
    """When a section is asked, is when its fields are."""
    sections = drawn.get("sections") or ()
    asked_when = {one.get("key"): one.get("visible_if") for one in sections}
    first = sections[0].get("key") if sections else None
    section_of = {one["key"]: one.get("section") or first for one in drawn.get("fields") or ()}
    return {
        key: (meaning, asked_when.get(section_of[key]) or None)
        for key, meaning in _meaning(drawn.get("fields")).items()
    }


def _meaning(drawn: Any) -> dict[str, Any]:
    return {one["key"]: _field_meaning(one) for one in drawn or () if _has_answer(one) and not one.get("retired")}


def _has_answer(one: Field) -> bool:
    kind = TYPES.get(one.get("type", ""))
    return kind is None or kind.has_answer


def _field_meaning(one: Field) -> dict[str, Any]:
    looks = _LOOKS | {setting.name for setting in _settings(one) if setting.is_looks}
    told = {name: value for name, value in one.items() if name not in looks and not _is_nothing(value)}
    if "options" in told:
        told["options"] = sorted(
            ({name: part for name, part in option.items() if name not in _OPTION_LOOKS and not _is_nothing(part)}
             for option in told["options"]),
            key=lambda option: str(option.get("value")),
        )  # fmt: skip
    if one.get("type") == "rows":
        told["fields"] = _meaning(told.get("fields"))
    return told


def _is_nothing(value: object) -> bool:
    return value is False or value in _NOTHING


def _settings(one: Field) -> tuple[Setting, ...]:
    kind = TYPES.get(one.get("type", ""))
    return kind.settings if kind else ()


# ── in words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What is different in `after`, in the reader's language and in the order of its fields."""
    found: list[Change] = []
    if say(before.get("name")) != say(after.get("name")):
        told = _("The form is called “%(name)s” now, before: “%(before)s”.",
                 name=_short(after.get("name")), before=_short(before.get("name")))  # fmt: skip
        found.append(Change("", "renamed", told))
    found += _among(before.get("fields") or (), after.get("fields") or (), "", "")
    for name, told in (
        ("pages", _("The pages are others.")),
        ("sections", _("The sections are others.")),
    ):
        if not _same(before.get(name), after.get(name)):
            found.append(Change("", f"{name}_changed", told))
    rest = {name for name in {*before, *after} - {"name", "fields", "pages", "sections"}
            if not _same(before.get(name), after.get(name))}  # fmt: skip
    if rest:
        found.append(Change("", "settings_changed", _("Settings of the form are others.")))
    return found


def _among(before: Sequence[Field], after: Sequence[Field], path: str, above: str) -> Iterator[Change]:
    """`above`: the field in whose rows these stand, as it is called."""
    old = {one.get("key"): one for one in before}
    new = {one.get("key"): one for one in after}
    for key, one in new.items():
        called, place = _called(one, above), f"{path}{key}"
        if key not in old:
            kind = TYPES.get(one.get("type", ""))
            told = _("New: “%(field)s” (%(type)s).", field=called, type=kind.label if kind else one.get("type"))
            yield Change(place, "added", told)
        else:
            yield from _of_field(old[key], one, place, called)
    for key, one in old.items():
        if key not in new:
            told = _("“%(field)s” is gone. What was answered to it stays.", field=_called(one, above))
            yield Change(f"{path}{key}", "removed", told)
    stayed = [key for key in old if key in new]
    if stayed != [key for key in new if key in old]:
        told = (_("The columns of “%(field)s” stand in another order.", field=above) if above
                else _("The fields stand in another order."))  # fmt: skip
        yield Change(path.rstrip("."), "moved", told)


def _of_field(old: Field, new: Field, place: str, called: str) -> Iterator[Change]:
    if bool(old.get("retired")) != bool(new.get("retired")):
        told = (_("“%(field)s” is retired: nobody is asked any more.", field=called) if new.get("retired")
                else _("“%(field)s” is asked again.", field=called))  # fmt: skip
        yield Change(place, "retired" if new.get("retired") else "brought_back", told)
    if not _same(old.get("label"), new.get("label")):
        told = _("“%(before)s” is called “%(field)s” now.", before=_short(old.get("label")), field=_short(new["label"]))
        yield Change(place, "relabelled", told)
    if old.get("type") != new.get("type"):
        kind = TYPES.get(new.get("type", ""))
        told = _("“%(field)s” has another type: %(type)s.", field=called, type=kind.label if kind else new.get("type"))
        yield Change(place, "type_changed", told)
        return
    if new.get("type") == "rows":
        yield from _among(old.get("fields") or (), new.get("fields") or (), f"{place}.", called)
    yield from _of_options(old.get("options") or (), new.get("options") or (), place, called)
    known = {"key", "type", "label", "retired", "options"} | ({"fields"} if new.get("type") == "rows" else set())
    labels: dict[str, Setting | Sentence] = {
        "required": _("Required"), "default": _("Default"), "help": _("Help"), "searchable": _("Can be filtered"),
        **{one.name: one for one in (*SHARED, *RULES, *_settings(new))},
    }  # fmt: skip
    for name in (*labels, *sorted({*old, *new} - set(labels))):
        if name not in known and not _same(old.get(name), new.get(name)):
            yield Change(place, f"{name}_changed", _of_setting(labels.get(name), old.get(name), new.get(name), called))


def _of_setting(setting: Setting | Sentence | None, old: object, new: object, called: str) -> Sentence:
    if setting is None:
        return _("“%(field)s”: another of its settings was changed.", field=called)
    label = setting.label if isinstance(setting, Setting) else setting
    if new is True:
        return _("“%(field)s”: %(setting)s – on now.", field=called, setting=label)
    if old is True:
        return _("“%(field)s”: %(setting)s – off now.", field=called, setting=label)
    was, is_now = _told(setting, old), _told(setting, new)
    if was is None or is_now is None:
        return _("“%(field)s”: %(setting)s – changed.", field=called, setting=label)
    if not was:
        return _("“%(field)s”: %(setting)s – %(now)s.", field=called, setting=label, now=is_now)
    if not is_now:
        return _("“%(field)s”: %(setting)s – no longer; before: %(before)s.", field=called, setting=label, before=was)
    return _("“%(field)s”: %(setting)s – %(now)s, before: %(before)s.",
             field=called, setting=label, now=is_now, before=was)  # fmt: skip


def _of_options(old: Iterable[Field], new: Iterable[Field], place: str, called: str) -> Iterator[Change]:
    before = {one.get("value"): one for one in old}
    after = {one.get("value"): one for one in new}
    for value, one in after.items():
        label, was = _short(one.get("label")), before.get(value)
        if was is None:
            yield Change(place, "option_added", _("“%(field)s” also offers “%(option)s”.", field=called, option=label))
        elif bool(was.get("retired")) != bool(one.get("retired")):
            told = (_("“%(field)s” no longer offers “%(option)s”.", field=called, option=label) if one.get("retired")
                    else _("“%(field)s” offers “%(option)s” again.", field=called, option=label))  # fmt: skip
            yield Change(place, "option_retired" if one.get("retired") else "option_brought_back", told)
        elif not _same(was.get("label"), one.get("label")):
            told = _("“%(field)s”: “%(before)s” is called “%(option)s” now.",
                     field=called, before=_short(was.get("label")), option=label)  # fmt: skip
            yield Change(place, "option_relabelled", told)
        elif not _same({**was, "label": 0}, {**one, "label": 0}):
            told = _("“%(field)s”: “%(option)s” is offered at other times.", field=called, option=label)
            yield Change(place, "option_changed", told)
    for value, one in before.items():
        if value not in after:
            told = _("“%(field)s” no longer offers “%(option)s”.", field=called, option=_short(one.get("label")))
            yield Change(place, "option_removed", told)
    stayed = [value for value in before if value in after]
    if stayed != [value for value in after if value in before]:
        yield Change(place, "options_moved", _("The answers of “%(field)s” stand in another order.", field=called))


def _same(one: object, other: object) -> bool:
    """1 and 1.0 are the same, and so are what is not there and what is empty; 1 and true are not."""
    if _is_nothing(one) or _is_nothing(other):
        return _is_nothing(one) and _is_nothing(other)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _told(setting: Setting | Sentence, value: object) -> Sentence | None:
    """A value in a sentence, "" of none; None: it is too much for one."""
    if _is_nothing(value):
        return ""
    if isinstance(setting, OneOf):
        value = dict(setting.choices).get(str(value), value)
    if isinstance(value, bool | list) or (isinstance(value, dict) and not set(value) <= set(LANGUAGES)):
        return None
    if isinstance(value, int | float):
        return number_text(value)
    return _short(value)  # type: ignore[arg-type]


def _called(one: Field, above: str) -> str:
    label = _short(one.get("label")) or str(one.get("key", ""))
    return f"{above} › {label}" if above else label


def _short(words: Words | None) -> str:
    text = say(words)
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"
