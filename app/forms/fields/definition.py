"""Are these fields drawn right, and what do the answers to them say? The same for a form and for rows inside of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from app.core.errors import Sentence
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.forms import reading
from app.forms.compared import ASKED_IF_THERE, IN_FORMS, compared_in, misfits
from app.forms.fields.base import (
    TYPES,
    Context,
    FieldSpec,
    FieldType,
    Flaw,
    FormField,
    JsonSchema,
    Parsed,
    Value,
    is_storable,
    words_flaws,
)
from app.forms.fields.settings import FIELD_KEY
from app.forms.fields.shared import SHARED
from app.forms.fields.when import RULES
from app.forms.logic import State, conditions, has_rules, in_order, is_asked, needs, state_of
from app.forms.words import say

#: unknown keys that an answer is told of, one by one
MOST_UNKNOWN_KEYS = 20
#: characters of a property or key that are repeated in a problem
LONGEST_NAMED = 200

_SHARED = frozenset(part.name for part in fields(FieldSpec)) - {"own"}
_DEFAULT_CONTEXT = Context()


@dataclass(frozen=True)
class Problem:
    """What keeps a form from being published. `path` is where (`fields[2].options[0].value`); `code` never changes."""

    path: str
    code: str
    message: Sentence = field(compare=False)


@dataclass(frozen=True)
class Reading:
    """What was found in raw answers: values by field key, sentences by key ("rows.0.amount" inside of rows), and by key
    how each field stands with these answers."""

    values: dict[str, Value] = field(default_factory=dict)
    problems: dict[str, tuple[Sentence, ...]] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)


# ── drawing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def fields_problems(
    drawn: object,
    path: str,
    *,
    most: int,
    inside_rows: bool = False,
    asked_with: Callable[[FormField], FormField] = lambda one: one,
) -> Iterator[Problem]:
    """All that is wrong with a list of fields as it was sent. `asked_with` adds the condition of its section to one."""
    if not isinstance(drawn, list) or not drawn:
        yield Problem(path, "no_fields", _("A form needs at least one field."))
        return
    if len(drawn) > most:
        yield Problem(path, "too_many_fields", _("At most %(most)d fields, please.", most=most))
        return
    sound: dict[str, tuple[str, FormField]] = {}
    seen: dict[str, Mapping[str, Any]] = {}
    retired: set[str] = set()
    for number, given in enumerate(drawn):
        place = f"{path}[{number}]"
        if not isinstance(given, dict):
            yield Problem(place, "not_an_object", _("A field is an object with key, type and label."))
            continue
        problems = list(_field_problems(given, place, inside_rows=inside_rows))
        # A default can only be judged by a field that stands.
        yield from problems or _default_problems(given, f"{place}.default")
        key = given.get("key")
        if isinstance(key, str) and key in seen:
            told = _("“%(one)s” and “%(other)s” have the same key: %(key)s.",
                     one=_called(seen[key]), other=_called(given), key=key[:LONGEST_NAMED])  # fmt: skip
            yield Problem(f"{place}.key", "duplicate_key", told)
        elif isinstance(key, str):
            seen[key] = given
            if given.get("retired") is True:
                retired.add(key)
            elif not problems:
                sound[key] = place, asked_with(read_field(given))
    if seen and set(seen) == retired:
        yield Problem(path, "no_fields", _("A form needs at least one field."))
    # Nobody is asked what is retired: what needs it, needs what is not there.
    yield from _problems_among(sound, set(seen) - retired)


def _called(given: Mapping[str, Any]) -> str:
    """Its label, as far as it has one."""
    label = given.get("label")
    return "?" if any(words_flaws(label, "label")) else say(label)


def _field_problems(given: dict[str, object], path: str, *, inside_rows: bool) -> Iterator[Problem]:
    key, code = given.get("key"), given.get("type")
    if not isinstance(key, str) or not FIELD_KEY.fullmatch(key):
        wanted = _("A key begins with a small letter and has only a-z, 0-9 and _, at most 41. Example: order_code")
        yield Problem(f"{path}.key", "bad_key", wanted)
    yield from _flaws(words_flaws(given.get("label"), "label"), path)
    if given.get("help") not in (None, ""):
        yield from _flaws(words_flaws(given["help"], "help"), path)
    for name in ("required", "searchable", "retired"):
        if not isinstance(given.get(name, False), bool):
            yield Problem(f"{path}.{name}", "not_yes_or_no", _("Either true or false, please."))
    kind = TYPES.get(code) if isinstance(code, str) else None
    if kind is None:
        known = _("This field type is not known. Known are: %(types)s.", types=", ".join(sorted(TYPES)))
        yield Problem(f"{path}.type", "unknown_type", known)
        return
    if inside_rows and not kind.fits_rows:
        yield Problem(f"{path}.type", "not_in_rows", _("A field of this type cannot stand in repeating rows."))
    for name in sorted(set(given) - _SHARED - {setting.name for setting in kind.settings}):
        yield Problem(f"{path}.{name[:LONGEST_NAMED]}", "unknown_property", _("This property is not known."))
    if given.get("searchable") is True and (kind.index is None or inside_rows):
        yield Problem(f"{path}.searchable", "not_searchable", _("Answers of this type cannot be filtered."))
    if given.get("required") is True and (kind.is_worked_out or not kind.has_answer):
        yield Problem(f"{path}.required", "not_answered", _("Nobody answers a field of this type."))
    for setting in (*SHARED, *RULES):
        if given.get(setting.name) not in (None, ""):
            yield from _flaws(setting.flaws(given[setting.name]), path)
    yield from _flaws(kind.flaws(given), path)
    yield from _rules_problems(given, kind, path, inside_rows=inside_rows)


def _rules_problems(given: dict[str, object], kind: FieldType, path: str, *, inside_rows: bool) -> Iterator[Problem]:
    """Conditions that cannot stand here."""
    names = [setting.name for setting in RULES] + (["unique", "read_roles", "edit_roles"] if inside_rows else [])
    names += ["maps_to", "consent"] if inside_rows else []
    made = [name for name in names if given.get(name) not in (None, "", False, [])]
    options = given.get("options")
    if inside_rows and isinstance(options, list) and any(isinstance(one, dict) and one.get("if") for one in options):
        made.append("options")
    if inside_rows:
        for name in made:
            yield Problem(f"{path}.{name}", "not_in_rows", _("Questions inside of rows are the same in every row."))
        return
    is_answered = kind.has_answer and not kind.is_worked_out
    if given.get("unique") not in (None, "") and not kind.can_be_unique:
        yield Problem(f"{path}.unique", "not_unique", _("Answers of this type may be given more than once."))
    if "edit_roles" in given and not is_answered:
        yield Problem(f"{path}.edit_roles", "not_answered", _("Nobody answers a field of this type."))
    if "required_if" in made and not is_answered:
        yield Problem(f"{path}.required_if", "not_answered", _("Nobody answers a field of this type."))
    if "readonly_if" in made and not (is_answered and kind.takes_default):
        sentence = _("A field of this type begins empty, so it cannot stand fast. Ask it only when it is needed.")
        yield Problem(f"{path}.readonly_if", "not_locked", sentence)


def _flaws(flaws: Iterable[Flaw], path: str) -> Iterator[Problem]:
    for flaw in flaws:
        yield Problem(f"{path}.{flaw.property}", flaw.code, flaw.message)


def _default_problems(given: dict[str, object], path: str) -> Iterator[Problem]:
    if given.get("default") is None:
        return
    one = read_field(given)
    if not one.type.takes_default:
        yield Problem(path, "no_default", _("A field of this type has no default."))
        return
    if one.spec.own.get("catalogue"):
        sentence = _("What is offered here may change in the catalogue, so there is no default.")
        yield Problem(path, "no_default", sentence)
        return
    if one.type.asks(one.spec):
        yield Problem(path, "no_default", _("What is offered here follows from other answers, so there is no default."))
        return
    for sentence in default_parsed(one).problems:
        yield Problem(path, "bad_default", sentence)


def _problems_among(sound: Mapping[str, tuple[str, FormField]], keys: set[str]) -> Iterator[Problem]:
    """What two fields have together: references to nothing, and loops."""
    others = {key: one for key, (_path, one) in sound.items()}
    kinds = {
        key: (say(one.spec.label), IN_FORMS[one.spec.type]) for key, one in others.items() if one.spec.type in IN_FORMS
    }  # fmt: skip
    dead = False
    for path, one in sound.values():
        for wanted in sorted(needs(one) - keys):
            dead = True
            yield Problem(path, "dead_reference", _("“%(label)s” needs the field %(key)s, which is not there.",
                                                    label=say(one.spec.label), key=wanted))  # fmt: skip
        offered_if = [option.only_if for option in one.spec.own.get("options", ()) if option.only_if is not None]
        asked_if = [*conditions(one), *offered_if]
        for refusal in (refusal for condition in asked_if for refusal in misfits(condition, kinds)):
            yield Problem(path, "not_comparable", refusal.message)
        compared = frozenset[str]().union(*map(compared_in, asked_if))
        for wanted in sorted(key for key in compared & set(others) if others[key].spec.type in ASKED_IF_THERE):
            yield Problem(path, "not_comparable", _("A condition can only ask whether “%(label)s” is empty or not.",
                                                    label=say(others[wanted].spec.label)))  # fmt: skip
        if all(asked in others for asked in one.type.asks(one.spec)):
            yield from _flaws(one.type.flaws_among(one.spec, others), path)
    looped = [] if dead else in_order(list(others.values()))[1]
    for one in looped:
        path = sound[one.key][0]
        names = ", ".join(say(other.spec.label) for other in looped)
        yield Problem(path, "loop", _("These fields follow from each other in a circle: %(names)s.", names=names))


def read_field(given: Mapping[str, Any]) -> FormField:
    """One field behind its checked definition."""
    kind = TYPES[given["type"]]
    shared = {name: value for name, value in given.items() if name in _SHARED and value not in (None, "")}
    shared |= {one.name: one.read(shared[one.name]) for one in (*SHARED, *RULES) if one.name in shared}
    own = {
        setting.name: setting.read(given[setting.name]) for setting in kind.settings
        if given.get(setting.name) is not None
    }  # fmt: skip
    spec = FieldSpec(**shared, own=own)
    return FormField(spec, kind, () if spec.visible_if is None else (spec.visible_if,))


def read_asked(given: Iterable[Mapping[str, Any]]) -> tuple[FormField, ...]:
    """The fields behind a checked list, as they stand; without those that are retired."""
    return tuple(read_field(one) for one in given if not one.get("retired"))


# ── answering ────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_answers(
    ordered: Sequence[FormField], raw: Mapping[Any, object], context: Context, *, is_page: bool = False
) -> Reading:
    """The answers in `raw`, all of them checked; `ordered` as `in_order` gives them.

    A key left out takes the field's default where nobody has answered before (`Context.before`); else it is empty. An
    empty answer is an answer. Answers to what is not asked, and other ones than those that stand fast, are problems; a
    page has inputs for them: there they are passed over.
    """
    found = Reading()
    # One mapping for all fields: each finds in it those that were read before.
    context = replace(context, answers={**context.answers})
    for one in ordered:
        state = found.states[one.key] = state_of(one, context)
        if not state.is_his:
            parsed = _others(one, raw, context, is_page=is_page)
        elif state.is_locked:
            parsed = _locked(one, raw, context, is_page=is_page)
        elif state.is_shown:
            parsed = _parsed(one, raw, context, is_required=state.is_required)
        else:
            parsed = _hidden(one, raw, context, is_page=is_page)
        if parsed.problems:
            found.problems[one.key] = parsed.problems
            found.problems.update({f"{one.key}.{place}": told for place, told in parsed.inside.items()})
        elif parsed.value is not None:
            found.values[one.key] = context.answers[one.key] = parsed.value  # type: ignore[index]
    keys = {one.key for one in ordered}
    for key in sorted(str(key) for key in raw if key not in keys)[:MOST_UNKNOWN_KEYS]:
        found.problems[_nameable(key)] = (_("This form has no such field."),)
    return found


def _hidden(one: FormField, raw: Mapping[Any, object], context: Context, *, is_page: bool) -> Parsed:
    """Of what is not asked nothing is kept, or what is right."""
    if one.spec.keep_hidden:
        kept = _parsed(one, raw, context, is_required=False)
        return Parsed() if is_page and kept.problems else kept
    if is_page or one.type.is_empty(raw.get(one.key)):
        return Parsed()
    return Parsed(problems=(_("This is not asked with these answers. Leave it out."),))


def _locked(one: FormField, raw: Mapping[Any, object], context: Context, *, is_page: bool) -> Parsed:
    """What stands fast is as it was before; else its default."""
    begun = begun_with(one, context)
    if not is_page and one.key in raw and one.type.parse(raw[one.key], _spec(one, False), context).value != begun:
        return Parsed(problems=(_("This can only be read with these answers. Leave it out."),))
    return Parsed(begun)


def _others(one: FormField, raw: Mapping[Any, object], context: Context, *, is_page: bool) -> Parsed:
    """Whoever is not asked leaves the answer as it was; a program may send back what it was told. What is worked out
    follows from what is answered now, whoever may read it."""
    begun = begun_with(one, context)
    if not is_page and not one.type.is_empty(raw.get(one.key)) and raw[one.key] != _told(one, begun, context):
        return Parsed(problems=(_("Others answer this. Leave it out."),))
    is_new = context.before is None or one.type.is_worked_out
    if is_new and not one.spec.keep_hidden and not is_asked(one, context):
        return Parsed()
    return Parsed(one.type.worked_out(one.spec, context) if one.type.is_worked_out else begun)


def _told(one: FormField, value: Value | None, context: Context) -> object:
    """The answer as he reads it; None: he is told of none."""
    if value is None or not reading.is_seen(one, context):
        return None
    return value if reading.is_read(one, context) else str(reading.covered(one, value, context))


def begun_with(one: FormField, context: Context) -> Value | None:
    """The answer that stood there before anybody answered: what was saved, else the default."""
    return default_parsed(one, context).value if context.before is None else context.before.get(one.key)


def _spec(one: FormField, is_required: bool) -> FieldSpec:
    return one.spec if one.spec.required == is_required else replace(one.spec, required=is_required)


def _parsed(one: FormField, raw: Mapping[Any, object], context: Context, *, is_required: bool) -> Parsed:
    if one.type.is_worked_out or not one.type.has_answer:
        found, given = one.type.worked_out(one.spec, context), raw.get(one.key)
        if given is not None and (context.before is None or given not in (found, context.before.get(one.key))):
            return Parsed(problems=(_("Nobody answers this field: it follows from the others."),))
        return Parsed(found)
    if one.key in raw or context.before is not None:
        return one.type.parse(raw.get(one.key), _spec(one, is_required), context)
    return default_parsed(replace(one, spec=_spec(one, is_required)), context)


def default_parsed(one: FormField, context: Context = _DEFAULT_CONTEXT) -> Parsed:
    """Read as the company writes it, whoever fills in the form: 1.250 must not mean something else in English. What is
    known of the customer goes before the default."""
    target = one.spec.own.get("maps_to") if context.known else None
    if target is not None and target in context.known:
        return one.type.parse(context.known[target], one.spec, context)
    with in_language(DEFAULT_LANGUAGE):
        default = None if one.type.begins_empty(one.spec) else one.spec.default
        return one.type.parse(default, one.spec, context)


def _nameable(key: str) -> str:
    """An unknown key as it can be told: short, and without what no JSON text can hold."""
    short = key[:LONGEST_NAMED]
    return short if is_storable(short) else short.encode("ascii", "backslashreplace").decode()


def object_schema(drawn: Sequence[FormField], context: Context) -> JsonSchema:
    """JSON Schema of an object with one value for each of these fields."""
    answered = [one for one in drawn if one.type.has_answer]
    return {
        "type": "object",
        "properties": {one.key: _schema(one, context) for one in answered},
        "required": [one.key for one in answered if one.spec.required and not has_rules(one)],
        "additionalProperties": False,
    }


def _schema(one: FormField, context: Context) -> JsonSchema:
    schema: JsonSchema = {"title": say(one.spec.label), **one.type.schema(one.spec, context)}
    if say(one.spec.help):
        schema["description"] = say(one.spec.help)
    if one.spec.personal_data != "none":
        schema["x-personal-data"] = one.spec.personal_data
    if one.type.is_worked_out:
        schema["readOnly"] = True
    is_begun = one.spec.default is not None or one.spec.own.get("maps_to") in context.known
    default = default_parsed(one, context).value if is_begun else None
    return schema if default is None else {**schema, "default": default}
