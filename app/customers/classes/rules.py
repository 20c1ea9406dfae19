"""Into which class does a customer fall? Of the rules of a kind the first whose every question he answers."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import lru_cache
from typing import Any

from app.core.access import Actor
from app.core.errors import Sentence
from app.core.formats import money_text, number_text
from app.core.i18n import _
from app.customers import beside_fields
from app.customers.beside_fields import BOUGHT
from app.customers.classes.models import ClassKind

MOST_DAYS = 3650
MOST_TIMES = 10_000
MOST_AMOUNT = 10**15
#: all purchases that there are
EVER = 0


@dataclass(frozen=True)
class Rule:
    """Who belongs to a class; None: not asked. Days are days back from today, amounts whole VND."""

    code: str
    bought_within: int | None = None
    bought_before: int | None = None
    times: int | None = None
    amount: int | None = None
    #: over how many days times and amount are counted; None: over all purchases
    over_days: int | None = None
    pause: int | None = None
    heard_within: int | None = None


COLUMNS = tuple(one.name for one in fields(Rule) if one.name != "code")

#: what every company begins with
DEFAULTS: Mapping[ClassKind, Sequence[Rule]] = {
    ClassKind.tier: (
        Rule("vip", amount=20_000_000, over_days=365),
        Rule("medium", amount=5_000_000, over_days=365),
        Rule("small", times=1),
    ),
    ClassKind.behaviour: (
        Rule("returning", bought_within=60, pause=180),
        Rule("loyal", bought_within=90, times=6, over_days=365),
        Rule("regular", bought_within=90, times=3, over_days=365),
        Rule("dormant", bought_before=180),
        Rule("potential", heard_within=60),
    ),
}


@dataclass(frozen=True)
class Facts:
    """What is known of a customer: how many days ago, how often, for how much. None: never."""

    bought_days: int | None = None
    #: days between the last purchase and the one before it
    pause: int | None = None
    heard_days: int | None = None
    #: over so many days (EVER: all of them) → purchases, and whole VND
    times: Mapping[int, int] = field(default_factory=dict)
    amount: Mapping[int, int] = field(default_factory=dict)


def chosen(rules: Iterable[Rule], facts: Facts) -> tuple[Rule, dict[str, int]] | None:
    """The rule that he falls under, and what was found of all that it asks; None: none."""
    for rule in rules:
        found = _found(rule, facts)
        if found is not None:
            return rule, found
    return None


def _found(rule: Rule, facts: Facts) -> dict[str, int] | None:
    told: dict[str, int] = {}
    for name, over, wanted, holds in _asks(rule):
        value = getattr(facts, name)
        found = value if over is None else value.get(over, 0)
        if found is None or not holds(found, wanted):
            return None
        told[name] = found
    if rule.over_days is not None and ("times" in told or "amount" in told):
        told["over_days"] = rule.over_days
    return told or None


@lru_cache(maxsize=256)
def _asks(rule: Rule) -> Sequence[tuple[str, int | None, int, Callable[[int, int], bool]]]:
    """(fact, over how many days, what is wanted, how they are compared) of all that the rule asks: worked out once,
    asked of every customer."""
    over = rule.over_days or EVER
    every = (
        ("bought_days", None, rule.bought_within, operator.le), ("bought_days", None, rule.bought_before, operator.gt),
        ("times", over, rule.times, operator.ge), ("amount", over, rule.amount, operator.ge),
        ("pause", None, rule.pause, operator.ge), ("heard_days", None, rule.heard_within, operator.le),
    )  # fmt: skip
    return tuple((name, days, wanted, holds) for name, days, wanted, holds in every if wanted is not None)


def problems(rules: Sequence[Rule]) -> dict[str, list[Sentence]]:
    """What is wrong, by "code.column": numbers out of reach, and a customer who bought both within and before."""
    most = {"times": MOST_TIMES, "amount": MOST_AMOUNT}
    told: dict[str, list[Sentence]] = {}
    for rule in rules:
        for name in COLUMNS:
            value = getattr(rule, name)
            if value is not None and not 1 <= value <= most.get(name, MOST_DAYS):
                sentence = _("A whole number from %(least)s to %(most)s.", least=1,
                             most=number_text(most.get(name, MOST_DAYS)))  # fmt: skip
                told.setdefault(f"{rule.code}.{name}", []).append(sentence)
        within, before = rule.bought_within, rule.bought_before
        if within is not None and before is not None and within <= before:
            told.setdefault(f"{rule.code}.bought_before", []).append(
                _("Nobody bought within %(within)s days and yet more than %(before)s days ago.",
                  within=within, before=before)
            )  # fmt: skip
        if rule.over_days is not None and rule.times is None and rule.amount is None:
            told.setdefault(f"{rule.code}.over_days", []).append(
                _("Say how many purchases or how much in this time, or leave it empty.")
            )
    return told


def reason_text(reason: Mapping[str, Any], who: Actor) -> Sentence:
    """Why somebody was moved, in words: "mua 5 lần trong 365 ngày, mua lần cuối 12 ngày trước"; the amount as this
    person reads amounts."""
    over = reason.get("over_days")
    amount = beside_fields.seen(who, BOUGHT, str(money_text(reason.get("amount", 0))))
    words: Mapping[str, Any] = {
        "times": lambda n: _("%(times)s purchases in %(days)s days", times=number_text(n), days=over)
        if over else _("%(times)s purchases", times=number_text(n)),
        "amount": lambda _n: _("bought for %(amount)s in %(days)s days", amount=amount, days=over)
        if over else _("bought for %(amount)s", amount=amount),
        "bought_days": lambda n: _("last purchase %(days)s days ago", days=number_text(n)),
        "pause": lambda n: _("after a break of %(days)s days", days=number_text(n)),
        "heard_days": lambda n: _("last contact %(days)s days ago", days=number_text(n)),
    }  # fmt: skip
    if amount is None:
        reason = {name: value for name, value in reason.items() if name != "amount"}
    return ", ".join(str(words[name](value)) for name, value in reason.items() if name in words)


def days_since(day: date | None, today: date) -> int | None:
    return None if day is None else (today - day).days
