"""What does a kept view ask its list for, and what of it does the list still offer?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.conditions import Condition, ConditionError, joined
from app.core.errors import Sentence
from app.core.i18n import _, ngettext
from app.core.paging import LARGEST_PAGE_SIZE
from app.core.screens.listing import LONGEST_SEARCH, Offer


@dataclass(frozen=True)
class Wanted:
    """What a list is asked for; whatever is as usual is left out."""

    where: Condition | None = None
    q: str = ""
    #: a column that the list can be ordered by, "-" in front for falling
    order: str = ""
    columns: tuple[str, ...] = ()
    page_size: int | None = None
    #: what the columns and fields are called, for the day when one of them is retired
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    def stored(self) -> dict[str, Any]:
        told = {
            "where": self.where.to_json() if self.where else None, "q": self.q, "order": self.order,
            "columns": list(self.columns), "page_size": self.page_size, "labels": dict(self.labels),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    @property
    def arguments(self) -> dict[str, str]:
        """The same as the arguments of a list's address."""
        told = {
            "where": self.where.text if self.where else "", "q": self.q, "order": self.order,
            "columns": ",".join(self.columns), "page_size": str(self.page_size or ""),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True)
class Fitted:
    """What of a stored view its list still offers, and a sentence for each kind of thing that it does not."""

    wanted: Wanted
    lost: tuple[Sentence, ...] = ()


def fitted(
    stored: Mapping[str, Any],
    offer: Offer,
    holds: Callable[[Condition], bool],
    called: Mapping[str, object],
    is_withheld: Callable[[str], bool] = lambda _key: False,
) -> Fitted:
    """Read a stored view as its list is today. `holds`: can rows still be narrowed by this condition? `called`: the
    list's columns and fields in the reader's words, with those that he is not shown.

    Never raises: a column, an order or a part of the condition that is gone is left out, and told. What the reader may
    not read (`is_withheld`) is left out too, without its name and without what it is compared with.
    """
    labels = {str(key): str(called.get(key, text)) for key, text in (stored.get("labels") or {}).items()}
    lost: list[Sentence] = []
    columns = [str(name) for name in stored.get("columns") or ()]
    kept_back = {name for name in columns if name not in offer.columns and is_withheld(name)}
    gone = [labels.get(name, name) for name in columns if name not in offer.columns and name not in kept_back]
    if gone:
        lost.append(ngettext("The column %(names)s is no longer there; the list leaves it out.",
                             "The columns %(names)s are no longer there; the list leaves them out.",
                             len(gone), names=", ".join(gone)))  # fmt: skip
    order = str(stored.get("order") or "")
    if order not in ("", offer.default_order) and order.removeprefix("-") not in offer.orders:
        name = order.removeprefix("-")
        if is_withheld(name):
            kept_back.add(name)
        else:
            lost.append(_("Rows can no longer be ordered by %(name)s; the list has its usual order.",
                          name=labels.get(name, name)))  # fmt: skip
        order = ""
    where, every = _what_holds(stored.get("where"), holds)
    dropped = [part for part in every if part is None or not any(map(is_withheld, part.keys))]
    if dropped:
        said = ", ".join(f"“{part.sentence(labels)}”" for part in dropped if part) or f"“{_('Filter')}”"
        lost.append(ngettext("The condition %(names)s no longer fits; the list leaves it out.",
                             "The conditions %(names)s no longer fit; the list leaves them out.",
                             len(dropped), names=said))  # fmt: skip
    if kept_back or len(dropped) < len(every):
        lost.append(_("Something in this view is about what you may not see; the list leaves it out."))
    size = stored.get("page_size")
    return Fitted(
        Wanted(
            where=where,
            q=str(stored.get("q") or "")[:LONGEST_SEARCH] if offer.search else "",
            order=order,
            columns=tuple(dict.fromkeys(name for name in columns if name in offer.columns)),
            page_size=size if isinstance(size, int) and 1 <= size <= LARGEST_PAGE_SIZE else None,
            labels=labels,
        ),
        tuple(lost),
    )


def _what_holds(stored: Any, holds: Callable[[Condition], bool]) -> tuple[Condition | None, Sequence[Condition | None]]:
    """The parts of a stored condition that still hold, and those that do not; None for one that cannot be read."""
    if not stored:
        return None, ()
    try:
        condition = Condition.from_json(stored)
    except ConditionError:
        return None, (None,)
    if holds(condition):
        return condition, ()
    parts = [(part, holds(part)) for part in condition.parts()]
    return joined(part for part, is_kept in parts if is_kept), [part for part, is_kept in parts if not is_kept]
