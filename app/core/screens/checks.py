"""Is a screen declared completely, so that FAB guesses nothing? Asked when the screen is made: else no start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import BaseModelView
from flask_babel import LazyString
from sqlalchemy import inspect
from sqlalchemy.orm import RelationshipDirection

from app.core.access import ACTIONS, has_row_rule
from app.core.accounts import Role
from app.core.api import Api
from app.core.conditions import ConditionError, parse
from app.core.db import Entity

if TYPE_CHECKING:
    from app.core.screens.listing import Preset
    from app.core.screens.screen import Screen

_SECRET_WORDS = {"password", "token", "secret", "hash"}
_TITLES = {
    "list_columns": "list_title",
    "show_columns": "show_title",
    "add_columns": "add_title",
    "edit_columns": "edit_title",
}


def problems(screen: type[Screen]) -> Iterator[str]:
    """What is missing or dangerous in the declaration, one sentence each."""
    if not getattr(screen, "resource", ""):
        yield "resource is not named"
    model = screen.datamodel.obj
    # Of FAB's own tables only the roles are looked at by a screen.
    if not issubclass(model, Entity | Role):
        yield f"{model.__name__} is not one of our tables"
        return
    if not has_row_rule(model):
        yield f"{model.__name__} has no row rule"
    yield from _texts(screen)
    yield from _columns(screen, model)
    yield from _forms(screen, model)
    yield from _related(screen, model)
    yield from _doors(screen)


def _texts(screen: type[Screen]) -> Iterator[str]:
    shown: set[str] = {*(screen.search_columns or ()), *screen.more_columns, *(screen.panel_columns or ())}
    for columns, title in _TITLES.items():
        named = getattr(screen, columns) or ()
        shown |= set(named)
        if named and not isinstance(getattr(screen, title), LazyString):
            yield f"{title} is missing or not translatable"
    for column in sorted(shown):
        if not isinstance(screen.label_columns.get(column), LazyString):
            yield f"label_columns has no translatable label for {column}"


def _columns(screen: type[Screen], model: type[Any]) -> Iterator[str]:
    columns = inspect(model).columns
    if not screen.list_columns:
        yield "list_columns is empty: FAB would show what it finds first"
    for name in ("list_columns", "more_columns", "show_columns", "panel_columns", "add_columns", "edit_columns",
                 "search_columns", "order_columns"):  # fmt: skip
        for column in getattr(screen, name) or ():
            root, _dot, leaf = column.rpartition(".")
            if set(leaf.split("_")) & _SECRET_WORDS:
                yield f"{name} shows {column}"
            is_own_field = name in ("add_columns", "edit_columns") and column in screen.form_fields
            is_known = column in screen.derived or is_own_field or hasattr(model, (root or leaf).split(".")[0])
            if not is_known:
                yield f"{name} names {column}, which {model.__name__} does not have"
    if not hasattr(model, screen.title_column):
        yield f"title_column names {screen.title_column}, which {model.__name__} does not have"
    for name in ("list_columns", "more_columns", "search_columns"):
        for column in getattr(screen, name) or ():
            if column not in screen.derived and column not in columns and not _leads_to_a_column(model, column):
                yield f"{name} has {column}, which is not a plain column: say in derived where it comes from"
    for column in screen.order_columns or ():
        known = column in screen.order_keys or column in screen.derived or column in columns
        if not known and not _leads_to_a_column(model, column):
            yield f"order_columns has {column}, which is not a plain column: give it an order_keys entry"
    for preset in screen.presets:
        yield from _preset(screen, preset)
    if screen.base_order and screen.base_order[0] not in (screen.order_columns or ()):
        yield f"base_order is by {screen.base_order[0]}, which order_columns does not declare"


def _preset(screen: type[Screen], preset: Preset) -> Iterator[str]:
    try:
        keys = parse(preset.where).keys if preset.where else frozenset()
    except ConditionError as refusal:
        yield f"the preset {preset.where!r} is no condition: {refusal.message}"
        return
    for key in sorted(keys - set(getattr(screen, "search_columns", None) or ())):
        yield f"the preset {preset.where!r} compares {key}, which search_columns does not have"
    if preset.order and preset.order.removeprefix("-") not in (screen.order_columns or ()):
        yield f"the preset {preset.where!r} orders by {preset.order}, which order_columns does not declare"


def _leads_to_a_column(model: type[Any], name: str) -> bool:
    """Is it a column of the one row that a relation leads to?"""
    root, _dot, leaf = name.rpartition(".")
    relation = inspect(model).relationships.get(root)
    return (
        relation is not None
        and relation.direction is RelationshipDirection.MANYTOONE
        and leaf in relation.mapper.columns
    )


def _forms(screen: type[Screen], model: type[Any]) -> Iterator[str]:
    relations, columns = inspect(model).relationships, inspect(model).columns
    for column in dict.fromkeys((*(screen.add_columns or ()), *(screen.edit_columns or ()))):
        if column in screen.form_fields:
            continue
        if column in relations:
            if relations[column].direction is not RelationshipDirection.MANYTOONE:
                yield f"{column} holds many rows: a form has no input for that"
            elif column not in screen.lookups:
                yield f"lookups does not say how {column} is looked up"
            elif not has_row_rule(relations[column].mapper.class_):
                yield f"{column} offers {relations[column].mapper.class_.__name__}, which has no row rule"
        elif column not in columns:
            yield f"{column} is in a form, but is neither a column nor in form_fields"
        elif getattr(columns[column].type, "enum_class", None) and column not in screen.choice_labels:
            yield f"choice_labels has no labels for {column}"
    if "rev" in columns and "rev" in (screen.edit_columns or ()):
        yield "rev is the screen's own field"


def _related(screen: type[Screen], model: type[Any]) -> Iterator[str]:
    for other in screen.related_views or ():
        towards = [
            relation.key
            for relation in inspect(other.datamodel.obj).relationships
            if relation.mapper.class_ is model and relation.direction is RelationshipDirection.MANYTOONE
        ]
        named = screen.related_by.get(other.__name__)
        if callable(named):
            continue
        if named not in towards if named else len(towards) != 1:
            yield f"related_by does not say by which column {other.__name__} belongs here"


def _doors(screen: type[Screen]) -> Iterator[str]:
    for name in dir(screen):
        method = getattr(screen, name)
        if (hasattr(method, "_urls") or hasattr(method, "_action")) and getattr(method, "_right", None) not in ACTIONS:
            yield f"{name}() is open to everybody: declare it with route() or action() of core.screens"
    for closed in ("delete", "download"):
        if getattr(screen, closed) is not None:
            yield f"{closed}() is off: rows are archived, files belong to core.files"


def all_screens(appbuilder: Any) -> list[Screen]:
    """Every screen of ours that is registered."""
    from app.core.screens.screen import Screen

    return [view for view in appbuilder.baseviews if isinstance(view, Screen)]


def bare_views(appbuilder: Any) -> list[str]:
    """Names of registered FAB views and interfaces that do not stand on our bases: there should be none."""
    from app.core.screens.screen import Screen

    return [
        type(view).__name__
        for view in appbuilder.baseviews
        if isinstance(view, BaseModelView | BaseApi) and not isinstance(view, Screen | Api)
    ]
