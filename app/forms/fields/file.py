"""File: one or several documents or pictures."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from app.core import files
from app.core.db import LARGEST_ID
from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields import base
from app.forms.fields.base import Control, Face, FieldSpec, Group, JsonSchema, Posted, Refused, Value
from app.forms.fields.member import read_id
from app.forms.fields.settings import Setting, Whole

MOST_FILES = 20


class FileType(base.FieldType):
    """A list of ids of files that were sent before the answer. What a file may be, core.files has judged by then."""

    code = "file"
    label = _("Attached file")
    group = Group.links
    settings: ClassVar[tuple[Setting, ...]] = (Whole("max", _("Files at most"), least=1, most=MOST_FILES),)
    takes_default = False
    fits_rows = False
    face: ClassVar[Face] = Face(Control.files)
    typed_as: ClassVar[str] = "files"
    missing: ClassVar[Sentence] = _("Please add a file.")
    content_types: ClassVar[Collection[str]] = frozenset(files.CONTENT_TYPES.values())
    other: ClassVar[Sentence] = _("A file of this kind cannot stand here.")

    def gather(self, posted: Posted) -> object:
        # An input in which no file was chosen sends one without a name, which is false.
        return [one for one in posted.get("", ()) if one]

    def is_empty(self, raw: object) -> bool:
        return super().is_empty(raw) or (isinstance(raw, list) and all(one is None for one in raw))

    def read(self, raw: object, spec: FieldSpec, context: base.Context) -> Value:
        sent = [one for one in raw if one is not None] if isinstance(raw, list) else [raw]
        ids = list(dict.fromkeys(read_id(one) for one in sent))
        if len(ids) > self.most(spec):
            raise Refused(_("At most %(limit)d files, please.", limit=self.most(spec)))
        for number in ids:
            facts = context.files.facts_of(number) if number is not None else None
            if facts is None:
                raise Refused(_("A file has not arrived. Please add it again."))
            if facts.content_type not in self.content_types:
                raise Refused(self.other)
        return ids

    def most(self, spec: FieldSpec) -> int:
        return int(spec.own.get("max", MOST_FILES))

    def show(self, value: Value, spec: FieldSpec, context: base.Context) -> str:
        known = [context.files.facts_of(int(one)) for one in value] if isinstance(value, list) else []
        return "\n".join(facts.name if facts else str(_("File you may not see")) for facts in known)

    def write(self, value: Value, spec: FieldSpec, context: base.Context) -> object:
        return [str(one) for one in value] if isinstance(value, list) else []

    def schema(self, spec: FieldSpec, context: base.Context) -> JsonSchema:
        item = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
        return {"type": "array", "items": item, "uniqueItems": True, "maxItems": self.most(spec)}
