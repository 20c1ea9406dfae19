"""The catalogues: one page to keep them, and the list of all entries to look through and take away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import jsonify, redirect, request
from sqlalchemy import Select, select
from werkzeug.wrappers import Response

from app.catalogues import queries, services
from app.catalogues.dialogs import COLOUR_LABELS, CatalogueDialog, EntriesDialog, EntryDialog
from app.catalogues.models import Catalogue, CatalogueEntry
from app.core import edge, uses
from app.core.access import get_visible
from app.core.db import db, row_id
from app.core.errors import BadRequestError, BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.i18n import _, ngettext
from app.core.pages import Page, Undo, done, page, refused_onto, show
from app.core.screens import Derived, Interface, Kind, Screen, route
from app.core.vietnamese import fold


class CataloguePages(Page):
    """/danh-muc: left the catalogues, right the entries of one in their order."""

    resource = "Catalogue"
    route_base = "/danh-muc"

    @page("/")
    def index(self) -> Any:
        first = db.session().scalars(queries.catalogues().limit(1)).one_or_none()
        if first is None:
            raise NotFoundError
        return _page(first)

    @page("/<code>")
    def catalogue(self, code: str) -> Any:
        return _page(_catalogue(code))

    @page("/moi", "POST", right="edit")
    def new(self) -> Any:
        """One more catalogue, the company's own."""
        dialog = CatalogueDialog()
        try:
            with edge.transaction() as session:
                made = services.create_catalogue(
                    session, by=edge.actor(), label_vi=dialog.label_vi.data or "", label_en=dialog.label_en.data or "",
                    purpose=dialog.purpose.data or "",
                )  # fmt: skip
                address, name = catalogue_path(made.code), made.label
        except InvalidInputError as error:
            _place(dialog, error)
            first = db.session().scalars(queries.catalogues().limit(1)).one()
            return _page(first, new=dialog, status=422)
        return done(address, _("The catalogue “%(name)s” is made. Now add its entries.", name=name))

    @page("/<code>/them", "POST", right="edit")
    def add(self, code: str) -> Any:
        """New entries, as many as lines were typed."""
        dialog = EntriesDialog()
        try:
            with edge.transaction() as session:
                pasted = dialog.entries.data or ""
                made = services.add_entries(session, _catalogue(code), by=edge.actor(), pasted=pasted)
                count, name = len(made), made[0].label
        except InvalidInputError as error:
            _place(dialog, error)
            return _page(_catalogue(code), adding=dialog, status=422)
        told = ngettext("%(num)d entry added.", "%(num)d entries added.", count)
        return done(catalogue_path(code), _("Added: %(name)s", name=name) if count == 1 else told)

    @page("/<code>/thu-tu", "POST", right="edit")
    def arrange(self, code: str) -> Any:
        """All entries in a new order, as the script sends it while rows are dragged."""
        codes = request.form.getlist("code")
        if not codes or len(codes) > 1000:
            raise BadRequestError
        try:
            with edge.transaction() as session:
                services.arrange_entries(session, _catalogue(code), by=edge.actor(), codes=codes)
        except ConflictError as error:
            return jsonify(message=str(error.message)), error.status
        return jsonify(message=str(_("The new order is saved.")))

    @page("/muc/<entry_id>")
    def entry(self, entry_id: str) -> Any:
        """Where the entry stands."""
        entry = _entry(row_id(entry_id))
        return redirect(_at(entry.catalogue.code, entry.id))

    @page("/muc/<entry_id>", "POST", right="edit")
    def change(self, entry_id: str) -> Any:
        """Another name or colour."""
        dialog, number = EntryDialog(), row_id(entry_id)
        entry = _entry(number)
        catalogue = entry.catalogue.code
        try:
            with edge.transaction() as session:
                services.change_entry(
                    session, _entry(number), by=edge.actor(), rev=dialog.rev.data or 0,
                    label_vi=dialog.label_vi.data or "", label_en=dialog.label_en.data or "", colour=dialog.colour.data,
                )  # fmt: skip
                name = _entry(number).label
        except InvalidInputError as error:
            _place(dialog, error)
            return _page(_catalogue(catalogue), editing=(number, dialog), status=422)
        except ConflictError as error:
            dialog.label_vi.errors = [str(_("Somebody changed this entry meanwhile. Compare, then save again."))]
            dialog.rev.raw_data, dialog.rev.data = None, error.details.get("rev")
            return _page(_catalogue(catalogue), editing=(number, dialog), status=error.status)
        return done(_at(catalogue, number), _("Saved: %(name)s", name=name))

    @page("/muc/<entry_id>/<verb>", "POST", right="edit")
    def act(self, entry_id: str, verb: str) -> Any:
        """Up, down, out of use, back in use, gone."""
        number, by = row_id(entry_id), edge.actor()
        entry = _entry(number)
        catalogue, name = entry.catalogue.code, entry.label
        address = _at(catalogue, number)
        try:
            with edge.transaction() as session:
                entry = _entry(number)
                match verb:
                    case "len" | "xuong":
                        services.move_entry(session, entry, by=by, up=verb == "len")
                        told = _("The new order is saved.")
                    case "ngung":
                        services.retire_entry(session, entry, by=by)
                        told = _("No longer used: %(name)s. Whoever has it keeps it.", name=name)
                    case "dung-lai":
                        services.bring_back_entry(session, entry, by=by)
                        told = _("Back in use: %(name)s", name=name)
                    case "xoa":
                        services.delete_entry(session, entry, by=by)
                        told, address = _("Deleted: %(name)s", name=name), catalogue_path(catalogue)
                    case _:
                        raise NotFoundError
        except NotFoundError:
            raise
        except BusinessError as error:
            return refused_onto(address, error)
        undo = Undo(f"/danh-muc/muc/{number}/dung-lai") if verb == "ngung" else None
        return done(address, told, undo=undo)


class EntryScreen(Screen):
    """/muc-danh-muc: every entry of every catalogue, to search, filter and export."""

    resource = "Catalogue"
    datamodel = Interface(CatalogueEntry)
    route_base = "/muc-danh-muc"
    list_title = _("All catalogue entries")
    show_title = _("Catalogue entry")
    empty_text = _("No entries yet. Each catalogue holds what can be chosen in forms and filters.")
    title_column = "label_vi"
    list_columns = ["label_vi", "label_en", "catalogue", "code", "colour", "retired_at"]
    show_columns = ["label_vi", "label_en", "catalogue", "code", "colour", "retired_at"]
    order_columns = ["label_vi", "code", "catalogue", "retired_at"]
    search_columns = ["label_vi", "label_en", "catalogue", "code", "colour", "retired_at"]
    base_order = ("catalogue", "asc")
    choice_labels: ClassVar[Mapping[str, Mapping[Any, Any]]] = {"colour": COLOUR_LABELS}
    derived = {
        "catalogue": Derived(
            Kind.text,
            select(Catalogue.label_vi)
            .where(Catalogue.id == CatalogueEntry.catalogue_id)
            .correlate(CatalogueEntry)
            .scalar_subquery(),
        ),
    }
    label_columns = {
        "label_vi": _("In Vietnamese"),
        "label_en": _("In English"),
        "catalogue": _("Catalogue"),
        "code": _("Code"),
        "colour": _("Colour"),
        "retired_at": _("No longer used since"),
    }

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        wanted = fold(text).split()
        every = db.session().execute(
            select(CatalogueEntry.id, CatalogueEntry.label_vi, CatalogueEntry.label_en, CatalogueEntry.code)
        )
        found = [row[0] for row in every if all(word in fold(" ".join(row[1:])) for word in wanted)]
        return rows.where(CatalogueEntry.id.in_(found))

    def row_url(self, item: Any) -> str:
        return f"/danh-muc/muc/{item.id}"

    @route("/show/<pk>", right="view")
    def show(self, pk: str) -> Response:
        return redirect(f"/danh-muc/muc/{row_id(pk)}")


def catalogue_path(code: str) -> str:
    return f"/danh-muc/{code}"


def _at(code: str, entry_id: int) -> str:
    """The page with this entry in view."""
    return f"{catalogue_path(code)}#muc-{entry_id}"


def _catalogue(code: str) -> Catalogue:
    found = queries.catalogue_by_code(db.session(), code)
    if found is None:
        raise NotFoundError
    return found


def _entry(number: int) -> CatalogueEntry:
    return get_visible(db.session(), CatalogueEntry, number, edge.actor())


def _place(dialog: Any, error: InvalidInputError) -> None:
    for key, told in error.fields.items():
        dialog[key].errors = [str(sentence) for sentence in told]


def _numbered(dialog: Any, key: object) -> Any:
    """Several forms stand on one page: each field gets an id of its own."""
    for field in dialog:
        field.id = f"{field.short_name}-{key}"
    return dialog


def _page(
    here: Catalogue, *, adding: EntriesDialog | None = None, editing: tuple[int, EntryDialog] | None = None,
    new: CatalogueDialog | None = None, status: int = 200,
) -> Any:  # fmt: skip
    session, who = db.session(), edge.actor()
    may_edit = who.may("edit", "Catalogue")
    counts = queries.counts_of(session)
    rows: Sequence[CatalogueEntry] = session.scalars(queries.entries_of(here)).all()
    used = uses.told_by_code(session, rows)
    changed, typed = editing or (0, None)
    return show(
        "catalogues/catalogue.html", status, catalogue=here, may_edit=may_edit,
        catalogues=[(one, counts.get(one.id, 0), one.id == here.id) for one in session.scalars(queries.catalogues())],
        entries=[
            {"row": row, "used": used.get(row.id, ""), "is_open": row.id == changed,
             "form": _numbered(typed if typed and row.id == changed else EntryDialog(formdata=None, obj=row), row.id)}
            for row in rows
        ],
        colours=COLOUR_LABELS,
        adding=adding or EntriesDialog(formdata=None),
        new=_numbered(new or CatalogueDialog(formdata=None), "moi"),
    )  # fmt: skip
