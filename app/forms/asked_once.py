"""Many answers name the same few records: each is asked for once, and those that are known beforehand all together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.forms.fields.base import Context, FormField
from app.forms.fields.member import MemberType, read_id
from app.forms.queries import VisibleCustomers

#: records that are looked up by one statement
_LOT = 500


def remembering(asked: Context) -> Context:
    """The same, asking for each record once."""
    return replace(
        asked, customers=_Known(asked.customers), members=_Known(asked.members), teams=_Known(asked.teams),
        catalogues=_KnownCatalogues(asked.catalogues),
    )  # fmt: skip


def knowing(asked: Context, fields: Collection[FormField], said: Iterable[Mapping[str, Any]]) -> Context:
    """The same, with the names of all customers that these raw answers (by key) may mean looked up beforehand."""
    found = remembering(asked)
    keys = [
        one.key for one in fields if isinstance(one.type, MemberType) and one.type.directory(asked) is asked.customers
    ]
    ids = {number for one in said for key in keys if (number := read_id(one.get(key))) is not None} if keys else set()
    if isinstance(asked.customers, VisibleCustomers) and isinstance(found.customers, _Known):
        wanted = sorted(ids)
        for place in range(0, len(wanted), _LOT):
            lot = wanted[place : place + _LOT]
            named = asked.customers.names_of(lot)
            found.customers.know({number: named.get(number) for number in lot})
    return found


class _Known:
    def __init__(self, directory: Any) -> None:
        self._directory = directory
        self._names: dict[int, str | None] = {}

    def name_of(self, record_id: int) -> str | None:
        if record_id not in self._names:
            self._names[record_id] = self._directory.name_of(record_id)
        return self._names[record_id]

    def know(self, names: Mapping[int, str | None]) -> None:
        self._names |= names

    def offered(self) -> Any:
        return self._directory.offered()

    def named(self, words: str) -> Any:
        return self._directory.named(words)


class _KnownCatalogues:
    def __init__(self, catalogues: Any) -> None:
        self._catalogues = catalogues
        self._options: dict[str, Any] = {}

    def options_of(self, catalogue: str) -> Any:
        if catalogue not in self._options:
            self._options[catalogue] = self._catalogues.options_of(catalogue)
        return self._options[catalogue]
