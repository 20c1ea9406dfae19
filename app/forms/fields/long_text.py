"""Long text: what happened, in as many lines as it takes."""

from __future__ import annotations

from typing import ClassVar

from app.core.i18n import _
from app.forms.fields.base import Control, Face, Kind
from app.forms.fields.settings import Height, Setting, maps_to
from app.forms.fields.text import TextType, lengths


class LongTextType(TextType):
    """Several lines; their breaks are kept. Too long for an index: found by full text, not by a filter."""

    code = "long_text"
    label = _("Long text")
    settings: ClassVar[tuple[Setting, ...]] = (
        *lengths(20_000),
        Height("rows", _("Height in lines"), least=2, most=30, code="bad_rows"),
        maps_to("note"),
    )
    index: ClassVar[Kind | None] = None
    face = Face(Control.area)
    usual_length = 5_000
    longest = 20_000

    def tidy(self, text: str) -> str:
        return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
