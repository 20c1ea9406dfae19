"""Long text: what happened, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from app.core.i18n import _
from app.forms.fields.base import Control, Face, Flaw, Kind
from app.forms.fields.text import TextType


class LongTextType(TextType):
    """Several lines; their breaks are kept. Too long for an index: found by full text, not by a filter."""

    code = "long_text"
    label = _("Long text")
    settings = TextType.settings | {"rows"}
    index: ClassVar[Kind | None] = None
    face = Face(Control.area)
    usual_length = 5_000
    longest = 20_000

    def tidy(self, text: str) -> str:
        return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))

    def flaws(self, given: Mapping[str, object]) -> Iterator[Flaw]:
        yield from super().flaws(given)
        rows = given.get("rows")
        if rows is not None and (type(rows) is not int or not 2 <= rows <= 30):
            yield Flaw("rows", "bad_rows", _("A whole number from %(least)d to %(most)d, please.", least=2, most=30))
