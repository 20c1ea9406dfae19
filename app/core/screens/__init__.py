"""What do all screens that FAB generates have in common? One base: rights, rows, forms, lists, refusals."""

from __future__ import annotations

from app.core.conditions.fields import Kind
from app.core.screens.checks import all_screens, bare_views
from app.core.screens.columns import Derived
from app.core.screens.doors import ScreenError, action, route
from app.core.screens.fields import Lookup, LookupField, MoneyField
from app.core.screens.interface import Interface
from app.core.screens.listing import ManyPage, Preset
from app.core.screens.screen import Screen

__all__ = [
    "Derived",
    "Interface",
    "Kind",
    "Lookup",
    "LookupField",
    "ManyPage",
    "MoneyField",
    "Preset",
    "Screen",
    "ScreenError",
    "action",
    "all_screens",
    "bare_views",
    "route",
]
