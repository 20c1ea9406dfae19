"""The library of tests/core/library.py with shelves that can be added from inside a volume's form."""

# ruff: noqa: RUF012 - FAB's column lists are class attributes
from __future__ import annotations

from typing import Any

from app.core.i18n import _
from app.core.screens import Interface, Lookup, Screen
from tests.core.library import RemarkScreen, Shelf, VisitScreen, VolumeScreen


class ShelfScreen(Screen):
    """Where a volume's look-up adds what is not there."""

    route_base = "/ke"
    resource = "Customer"
    datamodel = Interface(Shelf)
    list_title, show_title, add_title = _("Shelves"), _("Shelf"), _("Add a shelf")
    label_columns = {"name": _("Name"), "owner": _("Owner")}
    list_columns = show_columns = ["name"]
    add_columns = ["name"]

    def create(self, session: Any, form: Any, *, by: Any) -> Shelf:
        shelf = Shelf(name=form.name.data, owner_id=by.user_id)
        session.add(shelf)
        session.flush()
        return shelf


class ClosedScreen(ShelfScreen):
    """The same, for those who may write roles: nobody here but admins."""

    route_base = "/ke-kin"
    resource = "Role"


class ShelvedVolumeScreen(VolumeScreen):
    route_base = "/sach"
    lookups = {
        **VolumeScreen.lookups,
        "shelf": Lookup(lambda rows, _text: rows.order_by(Shelf.name), add="ShelfScreen"),
    }


class ClosedVolumeScreen(VolumeScreen):
    route_base = "/sach-kin"
    lookups = {
        **VolumeScreen.lookups,
        "shelf": Lookup(lambda rows, _text: rows.order_by(Shelf.name), add="ClosedScreen"),
    }


SCREENS = (RemarkScreen, VisitScreen, ShelfScreen, ClosedScreen, ShelvedVolumeScreen, ClosedVolumeScreen)
