"""Which forms come with the product? Definitions as data, published by the same services that admins use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

_FOLDER = Path(__file__).parent


def codes() -> list[str]:
    """The codes of all shipped forms."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


def load(code: str) -> dict[str, Any]:
    """The definition of one shipped form (docs/forms.md). Raises LookupError for a code that is not shipped."""
    if code not in codes():
        raise LookupError(f"no shipped form is called {code}")
    return cast("dict[str, Any]", json.loads((_FOLDER / f"{code}.json").read_text(encoding="utf-8")))
