"""A small shop whose pages Flask-AppBuilder makes by itself, stock security included. Tables of the tests alone."""

# ruff: noqa: RUF012 - FAB's column lists are class attributes
from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from flask import Flask, flash, redirect
from flask_appbuilder import AppBuilder, Model, ModelView, MultipleView, SimpleFormView, action
from flask_appbuilder.charts import views as charts
from flask_appbuilder.charts.widgets import MultipleChartWidget
from flask_appbuilder.fields import AJAXSelectField
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget, DatePickerWidget, Select2AJAXWidget, Select2Widget
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.models.group import aggregate_count, aggregate_sum
from flask_appbuilder.models.mixins import FileColumn
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.views import CompactCRUDMixin, MasterDetailView
from flask_appbuilder.widgets import (
    FormHorizontalWidget,
    FormInlineWidget,
    FormVerticalWidget,
    ListBlock,
    ListCarousel,
    ListItem,
    ListLinkWidget,
    ListThumbnail,
    ShowBlockWidget,
    ShowVerticalWidget,
)
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Column, ForeignKey, MetaData, Numeric, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship
from wtforms import BooleanField, DateField, SelectField, StringField
from wtforms.validators import DataRequired, Length

import app as product
from app.core import delivery, edge
from app.core.db import db, listen_to
from config import TestConfig

METADATA = MetaData()
PASSWORD = "Sen-2026-thom"


class Row(Model):
    __abstract__ = True
    __audited__ = False
    metadata = METADATA

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)

    def __repr__(self) -> str:
        return self.name


TAGGED = Table(
    "shop_tagged", METADATA,
    Column("book_id", ForeignKey("shop_book.id"), primary_key=True),
    Column("label_id", ForeignKey("shop_label.id"), primary_key=True),
)  # fmt: skip


class Cover(Enum):
    paper = "Bìa mềm"
    leather = "Bìa da"


class Author(Row):
    __tablename__ = "shop_author"

    books: Mapped[list[Book]] = relationship(back_populates="author")


class Label(Row):
    __tablename__ = "shop_label"


class Book(Row):
    __tablename__ = "shop_book"

    pages: Mapped[int | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    cover: Mapped[Cover] = mapped_column(default=Cover.paper)
    printed: Mapped[date | None]
    sold_at: Mapped[datetime | None]
    in_print: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str | None] = mapped_column(Text)
    sample: Mapped[str | None] = mapped_column(FileColumn)
    author_id: Mapped[int] = mapped_column(ForeignKey("shop_author.id"))

    author: Mapped[Author] = relationship(back_populates="books")
    labels: Mapped[list[Label]] = relationship(secondary=TAGGED)

    def writer(self) -> str:
        return self.author.name

    def picture(self) -> str:
        return "/static/dist/logo.svg"


class Books(ModelView):
    """What all screens over books share."""

    datamodel = SQLAInterface(Book)
    list_columns = ["name", "author.name", "pages", "cover", "printed", "sold_at", "in_print", "labels"]
    add_columns = edit_columns = ["name", "author", "pages", "price", "cover", "printed", "sold_at", "in_print", "note",
                                  "sample", "labels"]  # fmt: skip
    show_columns = ["name", "author", "pages", "printed", "sold_at", "in_print", "note", "labels"]
    search_columns = ["name", "author", "pages", "cover", "printed", "in_print", "note"]
    description_columns = {"pages": "How many"}

    @action("praise", "Praise", "Praise the chosen ones?", "fa-heart")
    def praise(self, items: Any) -> Any:
        for one in items if isinstance(items, list) else [items]:
            one.note = "praised"
            self.datamodel.edit(one)
        flash("Praised", "info")
        return redirect("/bookview/list/")


class BookView(Books):
    """The plain one, which stands beside its author too."""


class LabelView(ModelView):
    datamodel = SQLAInterface(Label)
    list_columns = ["name"]


class AuthorView(ModelView):
    datamodel = SQLAInterface(Author)
    related_views = [BookView]
    list_columns = ["name"]
    add_columns = edit_columns = show_columns = ["name"]


class AuthorCascadeView(AuthorView):
    show_template = "appbuilder/general/model/show_cascade.html"
    edit_template = "appbuilder/general/model/edit_cascade.html"


class AuthorMasterView(MasterDetailView):
    datamodel = SQLAInterface(Author)
    related_views = [BookView]
    list_columns = ["name"]


class TwoListsView(MultipleView):
    views = [AuthorView, LabelView]


class LabelOnePageView(CompactCRUDMixin, ModelView):
    datamodel = SQLAInterface(Label)
    list_columns = ["name"]
    add_columns = edit_columns = ["name"]


class ThumbnailView(Books):
    list_widget = ListThumbnail
    show_widget = ShowBlockWidget
    add_widget = FormVerticalWidget
    edit_widget = FormHorizontalWidget
    show_fieldsets = [("Book", {"fields": ["name", "author"]}), ("More", {"fields": ["pages"], "expanded": False})]
    add_fieldsets = edit_fieldsets = [
        ("Book", {"fields": ["name", "author", "cover"]}), ("More", {"fields": ["pages", "note"], "expanded": False}),
    ]  # fmt: skip


class LinkView(Books):
    list_widget = ListLinkWidget
    show_widget = ShowVerticalWidget
    add_widget = FormInlineWidget


class ItemView(Books):
    list_widget = ListItem


class BlockView(Books):
    list_widget = ListBlock


class CarouselView(Books):
    list_widget = ListCarousel
    list_columns = ["picture", "name"]


class Wish(DynamicForm):
    title = StringField("Title", validators=[DataRequired(), Length(max=20)], widget=BS3TextFieldWidget())
    needed = DateField("Needed", widget=DatePickerWidget())
    cover = SelectField("Cover", choices=[("p", "Paper"), ("l", "Leather")], widget=Select2Widget())
    author = AJAXSelectField(
        "Author", datamodel=SQLAInterface(Book), col_name="author", widget=Select2AJAXWidget("/authors")
    )
    gift = BooleanField("Gift")


class WishView(SimpleFormView):
    form = Wish
    form_title = "What are you looking for?"

    def form_post(self, form: Any) -> None:
        flash(f"We look for {form.title.data} by {form.needed.data}", "info")


class SumView(charts.GroupByChartView):
    datamodel = SQLAInterface(Book)
    chart_title = "Pages by author"
    search_columns = ["name"]
    definitions = [
        {"label": "Author", "group": "writer", "series": [(aggregate_sum, "pages"), (aggregate_count, "pages")]}
    ]


class DirectView(charts.DirectByChartView):
    datamodel = SQLAInterface(Book)
    chart_title = "Pages"
    search_columns = ["name"]
    definitions = [{"label": "Book", "group": "name", "series": ["pages"]}]


class SeveralView(DirectView):
    chart_widget = MultipleChartWidget


class OldDirectView(charts.DirectChartView):
    datamodel = SQLAInterface(Book)
    chart_title = "Pages, as of old"
    search_columns = ["name"]
    direct_columns = {"Pages": ("name", "pages")}


class OldChartView(charts.ChartView):
    datamodel = SQLAInterface(Book)
    chart_title = "Books by cover"
    search_columns = ["name"]
    group_by_columns = ["name"]


class OldTimeView(charts.TimeChartView):
    datamodel = SQLAInterface(Book)
    chart_title = "Books by day of printing"
    search_columns = ["name"]
    group_by_columns = ["printed"]


VIEWS: tuple[type[Any], ...] = (
    BookView, LabelView, AuthorView, AuthorCascadeView, AuthorMasterView, TwoListsView, LabelOnePageView, ThumbnailView,
    LinkView, ItemView, BlockView, CarouselView, WishView, SumView, DirectView, SeveralView, OldDirectView,
    OldChartView, OldTimeView,
)  # fmt: skip


class ShopSecurity(SecurityManager):
    """FAB's own, with the one chart left out that the product switches off as well."""

    userstatschartview = None


#: FAB with everything on that it has.
_SWITCHES = {
    "AUTH_USER_REGISTRATION": True, "AUTH_USER_REGISTRATION_ROLE": "Public", "RECAPTCHA_PUBLIC_KEY": "none",
    "FAB_CREATE_DB": True, "FAB_UPDATE_PERMS": True, "FAB_ADD_SECURITY_VIEWS": True, "FAB_API_SWAGGER_UI": True,
    "FAB_ADD_OPENAPI_VIEWS": True, "FAB_ADD_SECURITY_PERMISSION_VIEW": True, "FAB_ADD_SECURITY_VIEW_MENU_VIEW": True,
    "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": True, "FAB_ROLES": {"Reader": [["BookView", "can_list"]]},
}  # fmt: skip


def bookshop(folder: Path, dress: Flask) -> Flask:
    """The shop as FAB makes it, with our templates and our edge; `dress` lends what templates ask of the product."""
    root = Path(product.__file__).parent
    app = Flask(__name__, root_path=str(root))
    app.config.from_object(TestConfig(folder, WTF_CSRF_ENABLED=True))
    app.config.update(_SWITCHES, UPLOAD_FOLDER=str(folder / "samples"))
    app.jinja_options = dict(dress.jinja_options)
    db.init_app(app)
    CSRFProtect(app)
    with app.app_context():
        listen_to(db.engine, synchronous="NORMAL")
        delivery.install(app)
        edge.install(app, load_actor=lambda _user: None)
        Model.metadata.create_all(db.engine)
        METADATA.create_all(db.engine)
        shop = AppBuilder(security_manager_class=ShopSecurity)
        shop.init_app(app, db.session)
        app.extensions["babel"].locale_selector = edge.language
        for view in VIEWS:
            shop.add_view(view, view.__name__)
        for lent, own in (
            (dress.jinja_env.globals, app.jinja_env.globals),
            (dress.jinja_env.filters, app.jinja_env.filters),
        ):
            for name, value in lent.items():
                own.setdefault(name, value)
        _stock(shop)
    return app


def _stock(shop: Any) -> None:
    shop.sm.add_user("hoa", "Hoa", "Lê", "hoa@phosen.example", shop.sm.find_role("Admin"), PASSWORD)
    shop.sm.add_register_user("moi", "Mới", "Người", "moi@phosen.example", PASSWORD, hashed_password="x")
    session = shop.session
    session.add(Label(name="Kinh điển"))
    for author in _authors():
        session.add(author)
    session.commit()


def _authors() -> Iterator[Author]:
    for name, titles in {"Nguyễn Du": ["Truyện Kiều"], "Tô Hoài": ["Dế Mèn", "Vợ chồng A Phủ"]}.items():
        books = [Book(name=title, pages=100 + len(title), printed=date(2026, 1, 2), sold_at=datetime(2026, 3, 4, 5, 6))
                 for title in titles]  # fmt: skip
        yield Author(name=name, books=books)
