"""What is a screen? FAB generates forms, labels and routes from a table; this base cures what FAB leaves open."""

from __future__ import annotations

from app.core.screens.exporting import ExportPart
from app.core.screens.restoring import RestorePart
from app.core.screens.views import ViewPart


class Screen(RestorePart, ExportPart, ViewPart):
    """List, page, form and actions of one table. A subclass declares; what it leaves to FAB's guess stops the start.

    Every row comes through the table's row rule with the right of what is done. Reading happens outside, changing
    inside one transaction of ours; what a service refuses stands beside the field, and what was typed is kept.
    """
