"""A small library with holes to cure: volumes on shelves, notes about volumes. Tables of the tests alone."""

# ruff: noqa: RUF012 - FAB's column lists are class attributes
from __future__ import annotations

from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, ForeignKey, MetaData, Select, String, Text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.core.access import Actor, row_rule, scoped
from app.core.db import Entity, Revisioned, Stamped, UtcDateTime, db, stored
from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import _
from app.core.screens import Interface, Lookup, Screen, action, route
from app.security.models import Member

METADATA = MetaData(naming_convention=Entity.metadata.naming_convention)


def _member_id() -> Any:
    return ForeignKey(Member.__table__.c.id)


class Table(Entity):
    """Not in the product's schema: migrations and the index of tables know nothing of it."""

    __abstract__ = True
    __audited__ = False
    metadata = METADATA


class Binding(StrEnum):
    paper = auto()
    leather = auto()


class Shelf(Table):
    """Where volumes stand. Everybody sees his own shelves only."""

    __tablename__ = "test_shelf"

    name: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(_member_id())

    def __str__(self) -> str:
        return self.name


class Volume(Revisioned, Stamped, Table):
    __tablename__ = "test_volume"

    title: Mapped[str] = mapped_column(String(50), unique=True)
    summary: Mapped[str | None] = mapped_column(Text)
    pages: Mapped[int | None] = mapped_column()
    binding: Mapped[Binding] = mapped_column(stored(Binding), default=Binding.paper)
    bought_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner_id: Mapped[int] = mapped_column(_member_id())
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("test_shelf.id"))
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.__table__.c.id))
    updated_by_id: Mapped[int | None] = mapped_column(ForeignKey(User.__table__.c.id))

    shelf: Mapped[Shelf | None] = relationship()
    owner: Mapped[Member] = relationship(Member, foreign_keys=[owner_id])
    created_by: Mapped[User | None] = relationship(User, foreign_keys=[created_by_id])

    def __str__(self) -> str:
        return self.title


class Remark(Table):
    """What auditors write about a volume."""

    __tablename__ = "test_remark"

    text: Mapped[str] = mapped_column(String(100))
    volume_id: Mapped[int] = mapped_column(ForeignKey("test_volume.id"))

    volume: Mapped[Volume] = relationship()

    def __str__(self) -> str:
        return self.text


class Visit(Table):
    """Who has read a volume. Everybody sees his own visits only."""

    __tablename__ = "test_visit"

    text: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(_member_id())
    volume_id: Mapped[int] = mapped_column(ForeignKey("test_volume.id"))

    volume: Mapped[Volume] = relationship()

    def __str__(self) -> str:
        return self.text


@row_rule(Volume)
def _volumes(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Customer", action), actor, owner_id=Volume.owner_id)


@row_rule(Shelf)
def _shelves(actor: Actor, _action: str) -> ColumnElement[bool]:
    return Shelf.owner_id == actor.user_id


@row_rule(Remark)
def _remarks(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Audit", action), actor, owner_id=())


@row_rule(Visit)
def _visits(actor: Actor, _action: str) -> ColumnElement[bool]:
    return Visit.owner_id == actor.user_id


class RemarkScreen(Screen):
    route_base = "/nhan-xet"
    resource = "Audit"
    datamodel = Interface(Remark)
    list_title, show_title = _("Remarks"), _("Remark")
    label_columns = {"text": _("Text")}
    list_columns = show_columns = ["text"]
    title_column = "text"


class VisitScreen(Screen):
    route_base = "/luot-doc"
    resource = "Customer"
    datamodel = Interface(Visit)
    list_title, show_title = _("Visits"), _("Visit")
    label_columns = {"text": _("Text"), "volume.title": _("Volume")}
    list_columns = ["text", "volume.title"]
    title_column = "text"
    show_columns = ["text"]
    order_columns = ["text"]


class VolumeScreen(Screen):
    route_base = "/sach"
    resource = "Customer"
    datamodel = Interface(Volume)
    list_title, show_title = _("Volumes"), _("Volume")
    add_title, edit_title = _("Add a volume"), _("Change the volume")
    label_columns = {
        "title": _("Title"), "summary": _("Summary"), "pages": _("Pages"), "binding": _("Binding"),
        "bought_at": _("Bought"), "shelf": _("Shelf"), "shelf.name": _("Shelf"), "owner": _("Owner"),
        "owner.name": _("Owner"),
    }  # fmt: skip
    list_columns = ["title", "pages", "shelf.name", "owner.name"]
    show_columns = ["title", "summary", "pages", "binding", "bought_at"]
    add_columns = edit_columns = ["title", "summary", "pages", "binding", "bought_at", "shelf", "owner"]
    order_columns = ["title", "pages"]
    search_columns = ["title", "pages", "binding", "bought_at"]
    base_order = ("title", "asc")
    title_column = "title"
    choice_labels = {"binding": {Binding.paper: _("Paper"), Binding.leather: _("Leather")}}
    lookups = {
        "shelf": Lookup(
            lambda rows, text: rows.where(Shelf.name.contains(text, autoescape=True)).order_by(Shelf.name),
            lambda shelf: f"#{shelf.id}",
        ),
        "owner": Lookup(lambda rows, text: rows.where(Member.name.contains(text, autoescape=True)).order_by(Member.id)),
    }
    related_views = [RemarkScreen, VisitScreen]

    def search(self, rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(Volume.title.contains(text, autoescape=True))

    def check(self, item: Volume) -> None:
        if item.title == "cấm":
            raise InvalidInputError(fields={"title": [_("This title is forbidden.")]})
        if item.title == "từ chối":
            raise BusinessError(_("Not today."))
        if item.title == "lỗi":
            raise KeyError("a bug, not a refusal")
        if item.title == "lén":
            db.session.commit()

    @action("read", _("Read it"), right="edit", done=_("%(rows)s read"))
    def read(self, session: Session, item: Volume, *, by: Actor) -> None:
        if item.pages == 0:
            raise BusinessError(_("There is nothing in it."))
        item.pages = (item.pages or 0) + 1

    @route("/dem", right="export")
    def count_them(self) -> str:
        return "counted"


SCREENS = (RemarkScreen, VisitScreen, VolumeScreen)
