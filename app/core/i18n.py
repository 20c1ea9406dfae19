"""How does a sentence reach the reader in his language? Every text below the edge is lazy and is translated when shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask_babel import force_locale, lazy_gettext, lazy_ngettext

_ = lazy_gettext
ngettext = lazy_ngettext

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
DEFAULT_LANGUAGE = "vi"
DEFAULT_TIME_ZONE = "Asia/Ho_Chi_Minh"


@contextmanager
def in_language(code: str) -> Iterator[None]:
    """Everything shown inside is in this language, whoever asks: mails and bell lines are written for their reader."""
    with force_locale(code if code in LANGUAGES else DEFAULT_LANGUAGE):
        yield
