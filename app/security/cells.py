"""How does a list of people draw a cell that is more than text?"""

from __future__ import annotations

from typing import Any

from flask import get_template_attribute


def drawn(macro: str, item: Any) -> Any:
    """The cell as templates/security/_cells.html draws it."""
    return get_template_attribute("security/_cells.html", macro)(item)
