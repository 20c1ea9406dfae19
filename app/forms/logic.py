"""Which questions are asked, which must be answered and which stand fast, as the other answers are?

A question is asked while its own condition and that of its section hold (`FormField.shown_if`). One that is not asked
has no answer: what was typed is dropped, unless its definition keeps it (`keep_hidden`). One that stands fast
(`readonly_if`) has the answer with which it began: what was saved before, else its default. Conditions and formulas see
the answers that will be kept, so a question follows those that it needs (`needs`); `in_order` puts them so and tells
those that go round in a circle. The browser does the same while one types (assets/js/evaluate.js), with what
`for_browser` hands it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import clock
from app.core.conditions import Condition
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.forms import reading
from app.forms.fields.base import Context, FormField, Value
from app.forms.words import say


@dataclass(frozen=True, slots=True)
class State:
    """How one question stands with these answers."""

    is_shown: bool = True
    is_required: bool = False
    is_locked: bool = False
    #: False: others are asked, he is not; the question keeps the answer with which it began
    is_his: bool = True


USUAL = State()
REQUIRED = State(is_required=True)
OTHERS = State(is_shown=False, is_his=False)


def state_of(one: FormField, context: Context) -> State:
    """`context.answers` hold those of every question that it needs."""
    spec = one.spec
    if not is_his(one, context):
        return OTHERS
    if not has_rules(one):
        return REQUIRED if spec.required else USUAL

    def holds(condition: Condition | None) -> bool:
        return condition is not None and condition.holds(context.answers, me=context.me)

    is_shown = is_asked(one, context)
    is_locked = is_shown and holds(spec.readonly_if)
    return State(is_shown, is_shown and not is_locked and (spec.required or holds(spec.required_if)), is_locked)


def is_his(one: FormField, context: Context) -> bool:
    """Is he asked, or are others?"""
    is_among = _is_among(one.spec.edit_roles, context)
    return is_among and (context.before is None or reading.is_written(one, context))


def is_asked(one: FormField, context: Context) -> bool:
    """Is anybody asked, as the answers are?"""
    return all(condition.holds(context.answers, me=context.me) for condition in one.shown_if)


def _is_among(roles: Collection[str], context: Context) -> bool:
    return not roles or context.roles is None or not context.roles.isdisjoint(roles)


def has_rules(one: FormField) -> bool:
    """Does it depend on anything whether it is asked, required or stands fast?"""
    return (
        bool(one.shown_if or one.spec.edit_roles)
        or one.spec.required_if is not None
        or one.spec.readonly_if is not None
    )


def conditions(one: FormField) -> list[Condition]:
    return [*one.shown_if, *(rule for rule in (one.spec.required_if, one.spec.readonly_if) if rule is not None)]


def needs(one: FormField) -> frozenset[str]:
    """Keys of the questions whose answers it needs before it can be read, shown or worked out."""
    return asked_by(conditions(one)).union(one.type.asks(one.spec))


def asked_by(several: Sequence[Condition]) -> frozenset[str]:
    """Keys of the questions that these conditions look at; of `address.ward` it is the address."""
    return frozenset(key.partition(".")[0] for condition in several for key in condition.keys)


def in_order(drawn: Sequence[FormField]) -> tuple[list[FormField], list[FormField]]:
    """The fields so that each comes behind those that it needs, else as drawn; and those that go round in a circle."""
    done: list[FormField] = []
    known: set[str] = set()
    keys = {one.key for one in drawn}
    wanted = {one.key: needs(one) & keys for one in drawn}
    waiting = list(drawn)
    while waiting:
        ready = [one for one in waiting if wanted[one.key] <= known]
        if not ready:
            break
        done += ready
        known |= {one.key for one in ready}
        waiting = [one for one in waiting if one.key not in known]
    return done, _circle(waiting, wanted)


def _circle(waiting: list[FormField], wanted: Mapping[str, frozenset[str]]) -> list[FormField]:
    """Without those that only wait for a circle and are in none."""
    while True:
        awaited = frozenset[str]().union(*(wanted[one.key] for one in waiting))
        left = [one for one in waiting if one.key in awaited]
        if len(left) == len(waiting):
            return left
        waiting = left


def sentences(one: FormField, labels: Mapping[str, str], words: Callable[[str, Any], str]) -> list[str]:
    """For a page without a script, where every question stands: when it is to be answered, in the reader's language."""
    told = [
        (_("Answer this only when: %(condition)s.", condition=_all(one.shown_if, labels, words)), bool(one.shown_if)),
        (_("It must be answered when: %(condition)s.", condition=_all([one.spec.required_if], labels, words)),
         one.spec.required_if is not None and not one.spec.required),
        (_("It can only be read when: %(condition)s.", condition=_all([one.spec.readonly_if], labels, words)),
         one.spec.readonly_if is not None),
    ]  # fmt: skip
    return [str(sentence) for sentence, is_so in told if is_so]


def _all(
    several: Sequence[Condition | None], labels: Mapping[str, str], words: Callable[[str, Any], str]
) -> str:  # fmt: skip
    found = [condition.sentence(labels, words) for condition in several if condition is not None]
    return f" {_('and')} ".join(found)


def value_words(fields: Sequence[FormField], context: Context) -> Callable[[str, Any], str]:
    """How the values in conditions are called: as the question that they are compared with shows them."""
    by_key = {one.key: one for one in fields}

    def words(key: str, value: Any) -> str:
        one = by_key.get(key)
        if one is None:
            return str(value)
        label = next(
            (say(option.label) for option in one.type.possible(one.spec, context) if option.value == value), ""
        )
        known = None if label else one.type.parse(value, one.spec, context).value
        return f"“{label or (value if known is None else one.type.show(known, one.spec, context))}”"

    return words


def for_browser(ordered: Sequence[FormField], begun: Mapping[str, Value], context: Context) -> dict[str, Any] | None:
    """What assets/js/fill.js needs, as plain data; None: nothing of this form follows from anything.

    `begun`: by key the answers with which the questions began. Answers of others go along where he may read them; what
    looks at one that he may not is settled here, and what only the server can settle is left to it (`_Secrets`).
    """
    secrets = _Secrets(context.me)
    rules: dict[str, dict[str, Any]] = {}
    for one in ordered:
        if _is_kept_back(one, context):
            if one.type.is_worked_out:  # anew, by the server
                secrets.open.add(one.key)
            else:
                secrets.known[one.key] = begun.get(one.key)
        else:
            rules[one.key] = _rules(one, begun, context, secrets)
    wanted: set[str] = set()
    for one in reversed(ordered):
        if one.key in wanted or (is_his(one, context) and rules[one.key]):
            wanted |= {one.key, *needs(one)}
    if not wanted:
        return None
    return {
        **clock_for_browser(context),
        "me": context.me,
        "fields": [
            {"key": one.key, "label": say(one.spec.label), "reads": one.type.typed_as, "required": one.spec.required,
             **columns_for_browser(one),
             **rules[one.key]}
            for one in ordered if one.key in wanted and one.key in rules
        ],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Secrets:
    """What the browser of this person must not know, and so cannot work out."""

    me: int | None
    #: by key the answers of others that he may not read
    known: dict[str, Value | None] = field(default_factory=dict)
    #: questions of his whose answer hangs on such a one: it is known when the server reads the page
    open: set[str] = field(default_factory=set)

    def rest(self, condition: Condition) -> Any:
        """What is left of it for the browser, as JSON or whether it holds; None: only the server can say."""
        left = condition.rest(self.known, self.open, me=self.me)
        return left.to_json() if isinstance(left, Condition) else left

    def holds_back(self, keys: Collection[str]) -> bool:
        return not self.open.union(self.known).isdisjoint(keys)


def clock_for_browser(context: Context) -> dict[str, str]:
    """The day of the company, and where the moments lie that are typed."""
    return {"today": clock.today(DEFAULT_TIME_ZONE).isoformat(), "time_zone": context.time_zone}


def _is_kept_back(one: FormField, context: Context) -> bool:
    """An answer that others gave and that he may not read. Defaults are no secret: they stand in the form."""
    return context.before is not None and not is_his(one, context) and not reading.is_read(one, context)


def columns_for_browser(one: FormField) -> dict[str, Any]:
    """Of repeating rows, for assets/js/rows.js: how each column is read, and those that follow from the others."""
    columns: Sequence[FormField] = one.spec.own.get("fields", ())
    worked = [column for column in in_order(columns)[0] if column.type.is_worked_out]
    return {
        "columns": {column.key: column.type.typed_as for column in columns if not column.type.is_worked_out},
        "worked": [{"key": column.key, **column.type.live(column.spec)} for column in worked],
    }


def _rules(one: FormField, begun: Mapping[str, Value], context: Context, secrets: _Secrets) -> dict[str, Any]:
    begin = begun.get(one.key)
    if not is_his(one, context) and not one.type.is_worked_out:
        # It has no input. In a new form it has its default while it is asked; what was saved stays.
        shown = [condition.to_json() for condition in one.shown_if] if context.before is None else []
        return {"locked": True, "begin": begin, "shown": shown, "keep": one.spec.keep_hidden, "required": False}
    if one.type.is_worked_out and secrets.holds_back(one.type.asks(one.spec)):
        secrets.open.add(one.key)
    found: dict[str, Any] = {}
    if one.shown_if:
        asked = [secrets.rest(condition) for condition in one.shown_if]
        found["shown"] = [True if rest is None else rest for rest in asked]
        found |= {"keep": True} if one.spec.keep_hidden else {}
        if None in asked and False not in asked and not one.spec.keep_hidden:
            secrets.open.add(one.key)
    if one.spec.required_if is not None and not one.spec.required:
        found["required"] = secrets.rest(one.spec.required_if) or False
    if one.spec.readonly_if is not None:
        written = "" if begin is None else one.type.write(begin, one.spec, context)
        locked = secrets.rest(one.spec.readonly_if)
        found |= {"locked": locked or False, "begin": begin, "written": written}
        if locked is None:
            secrets.open.add(one.key)
    return found | _live(one, secrets)


def _live(one: FormField, secrets: _Secrets) -> dict[str, Any]:
    """`FieldType.live` as far as the browser may know it."""
    live = one.type.live(one.spec)
    if not live or not secrets.holds_back(one.type.asks(one.spec)):
        return live
    if one.type.is_worked_out:
        return {}
    on = live.get("on")
    left = {name: value for name, value in live.items() if name != "on" or not secrets.holds_back([value])}
    return {**left, "options": [kept for option in live["options"] if (kept := _offered(option, on, secrets))]}


def _offered(option: Mapping[str, Any], on: str | None, secrets: _Secrets) -> dict[str, Any] | None:
    """The option with what is left to be asked; None: it is not offered."""
    left: dict[str, Any] = {"value": option["value"]}
    if "if" in option:
        rest = secrets.rest(Condition.from_json(option["if"]))
        if rest is False:
            return None
        left |= {"if": rest} if isinstance(rest, dict) else {}
    if on in secrets.known:
        other = secrets.known[on]
        return left if other is not None and other in option.get("for", [other]) else None
    if "for" in option and on not in secrets.open:
        left["for"] = option["for"]
    return left
