"""Photo: one or several pictures."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from app.core import files
from app.core.errors import Sentence
from app.core.i18n import _
from app.forms.fields.file import FileType


class PhotoType(FileType):
    """On a phone it opens the camera."""

    code = "photo"
    label = _("Photo")
    missing: ClassVar[Sentence] = _("Please add a photo.")
    content_types: ClassVar[Collection[str]] = frozenset(
        kind for kind in files.CONTENT_TYPES.values() if kind.startswith("image/")
    )
    other: ClassVar[Sentence] = _("Only pictures can stand here.")
