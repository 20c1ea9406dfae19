"""Catalogues for programs: read what can be chosen, and keep it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogues import queries, services
from app.catalogues.models import LABEL_LENGTH, Catalogue, CatalogueEntry, Colour
from app.core import edge
from app.core.api import Api, equals, listing, moment, verb
from app.core.db import db
from app.core.errors import InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.schema import list_of, maybe, one_of, record, text, whole_number

_ORDERS = {"position": Catalogue.position, "code": Catalogue.code, "label_vi": Catalogue.label_vi}
_NEW = record(
    required=("label_vi",), label_vi=text(LABEL_LENGTH), label_en=maybe(text(LABEL_LENGTH)), colour=one_of(Colour)
)
_CHANGED = record(
    required=("rev",), rev=whole_number(), label_vi=text(LABEL_LENGTH), label_en=maybe(text(LABEL_LENGTH)),
    colour=one_of(Colour),
)  # fmt: skip
_ORDER = record(required=("codes",), codes=list_of(text(60), most=1000))


class CatalogueApi(Api):
    """Everybody who is signed in reads them; changing needs the right to edit catalogues."""

    resource_name = "catalogues"
    resource = "Catalogue"

    @verb("/", "GET", "The catalogues with their entries in order, retired ones too", right=None,
          query=listing(_ORDERS, code="exactly"))  # fmt: skip
    def index(self) -> dict[str, Any]:
        filters = {"code": equals(Catalogue.code)}
        return self.page(
            select(Catalogue), show_all=lambda found: [_shown(one) for one in found], orders=_ORDERS,
            default_order="position", filters=filters, key=Catalogue.id,
        )  # fmt: skip

    @verb("/<code>", "GET", "One catalogue with its entries", right=None)
    def get(self, code: str) -> dict[str, Any]:
        return _shown(_catalogue(db.session(), code))

    @verb("/<code>/entries", "POST", "A new entry, behind the others", right="edit", body=_NEW, status=201)
    def add(self, code: str) -> dict[str, Any]:
        body = self.read()

        def change(session: Session) -> dict[str, Any]:
            typed = body["label_vi"].replace("\n", " ").replace("|", " ")
            catalogue = _catalogue(session, code)
            try:
                (entry,) = services.add_entries(session, catalogue, by=edge.actor(), pasted=typed)
            except InvalidInputError as error:
                raise InvalidInputError(fields={"label_vi": error.fields["entries"]}) from error
            more = {key: body[key] or "" for key in ("label_en", "colour") if key in body}
            if more:
                services.change_entry(session, entry, by=edge.actor(), rev=entry.rev, **more)
            return _entry_row(entry)

        return self.write(change)

    @verb("/<code>/entries/<entry>", "PUT", "Rename or recolour an entry; its code stays; rev as read", right="edit",
          body=_CHANGED)  # fmt: skip
    def change(self, code: str, entry: str) -> dict[str, Any]:
        body = self.read()

        def change(session: Session) -> dict[str, Any]:
            row = _entry(session, code, entry)
            services.change_entry(
                session, row, by=edge.actor(), rev=body["rev"], label_vi=body.get("label_vi"),
                label_en=(body["label_en"] or "") if "label_en" in body else None, colour=body.get("colour"),
            )  # fmt: skip
            return _entry_row(row)

        return self.write(change)

    @verb("/<code>/entries/<entry>/retire", "POST", "No longer chosen; who has it keeps it", right="edit")
    def retire(self, code: str, entry: str) -> dict[str, Any]:
        return self._act(services.retire_entry, code, entry)

    @verb("/<code>/entries/<entry>/restore", "POST", "Chosen again", right="edit")
    def restore(self, code: str, entry: str) -> dict[str, Any]:
        return self._act(services.bring_back_entry, code, entry)

    @verb("/<code>/entries/<entry>", "DELETE", "Delete an entry that was never used", right="edit")
    def delete(self, code: str, entry: str) -> dict[str, Any]:
        def change(session: Session) -> dict[str, Any]:
            services.delete_entry(session, _entry(session, code, entry), by=edge.actor())
            return _shown(_catalogue(session, code))

        return self.write(change)

    @verb("/<code>/order", "POST", "All entries in this order", right="edit", body=_ORDER)
    def arrange(self, code: str) -> dict[str, Any]:
        body = self.read()

        def change(session: Session) -> dict[str, Any]:
            catalogue = _catalogue(session, code)
            services.arrange_entries(session, catalogue, by=edge.actor(), codes=body["codes"])
            return _shown(catalogue)

        return self.write(change)

    def _act(self, act: Any, code: str, entry: str) -> dict[str, Any]:
        def change(session: Session) -> dict[str, Any]:
            row = _entry(session, code, entry)
            act(session, row, by=edge.actor())
            return _entry_row(row)

        return self.write(change)


def _catalogue(session: Session, code: str) -> Catalogue:
    found = queries.catalogue_by_code(session, code)
    if found is None:
        raise NotFoundError(_("No catalogue has this code."))
    return found


def _entry(session: Session, catalogue: str, code: str) -> CatalogueEntry:
    rows = queries.entries_of(_catalogue(session, catalogue)).where(CatalogueEntry.code == code)
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFoundError(_("No entry has this code."))
    return found


def _shown(catalogue: Catalogue) -> dict[str, Any]:
    """`label` and `purpose` are in the language of the request."""
    rows = db.session().scalars(queries.entries_of(catalogue))
    return {
        "code": catalogue.code,
        "label": catalogue.label,
        "label_vi": catalogue.label_vi,
        "label_en": catalogue.label_en,
        "purpose": catalogue.purpose,
        "system": catalogue.is_system,
        "entries": [_entry_row(row) for row in rows],
    }


def _entry_row(row: CatalogueEntry) -> dict[str, Any]:
    return {
        "code": row.code,
        "label": row.label,
        "label_vi": row.label_vi,
        "label_en": row.label_en,
        "colour": row.colour,
        "position": row.position,
        "retired_at": moment(row.retired_at),
        "rev": row.rev,
    }
