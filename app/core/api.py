"""How do programs talk to the product? One base for every REST resource: rights, lists, idempotency, OpenAPI."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from flask import Response, current_app, g, jsonify, request
from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import expose
from sqlalchemy import Select, false, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.core import edge, guarded, paging, schema
from app.core.access import Actor, FieldRight
from app.core.accounts import User
from app.core.db import LARGEST_ID, db, row_id
from app.core.errors import BadRequestError, InvalidInputError, NotFoundError, Sentence
from app.core.i18n import _
from app.core.lists import LONGEST_CONDITION, Listed, list_of, read_condition
from app.core.paging import LARGEST_PAGE, LARGEST_PAGE_SIZE, PAGE_SIZE, asked_number
from app.core.repeats import LONGEST_KEY, Repeatable
from app.core.schema import Schema
from app.core.vietnamese import fold

LONGEST_BODY = 1_000_000
JSON = "application/json"

Row = Callable[[Any], dict[str, Any]]
Rows = Callable[[Sequence[Any]], list[dict[str, Any]]]
Narrow = Callable[[Select[Any], str], Select[Any]]


@dataclass(frozen=True)
class Verb:
    """One operation of the interface, as OpenAPI shows it."""

    path: str
    method: str
    summary: str
    right: str | None
    resource: str | None = None
    public: bool = False
    body: Schema | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    status: int = 200
    #: the media type of the answer
    answers: str = JSON


def verb(
    path: str,
    method: str,
    summary: str,
    *,
    right: str | None = "view",
    resource: str | None = None,
    public: bool = False,
    body: Schema | None = None,
    query: Mapping[str, str] | None = None,
    media: str = JSON,
    status: int = 200,
    answers: str = JSON,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of an Api an operation; it returns what is answered with `status`.

    `right` is asked on `resource` (default: the Api's); `body` is the JSON Schema of what is sent: `read()` checks it.
    """
    declared = Verb(path, method, summary, right, resource, public, body, query or {}, media, status, answers)

    def declare(method_of_api: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method_of_api)
        def operation(self: Api, **path_values: str) -> Response:
            if not public:
                who = edge.actor()
                if method != "GET" and not edge.by_token():
                    current_app.extensions["csrf"].protect()
                if right is not None:
                    who.must(right, resource or self.resource)
            if any("\0" in value for value in path_values.values()):
                raise NotFoundError
            g.verb, g.resource = declared, resource or getattr(self, "resource", "")
            g.exact = self.exact
            g.repeatable = None if public else _repeatable()
            # Asked before the handler reads anything: what it would refuse by now was granted when it was first sent.
            kept = g.repeatable.kept(db.session()) if g.repeatable else None
            if kept is not None:
                return _answer(_repeated_to(who, kept.body), kept.status)
            answer = method_of_api(self, **path_values)
            if isinstance(answer, Response):
                return answer
            return _answer(answer if public else _as_read_by(who, answer), declared.status)

        operation.verb = declared  # type: ignore[attr-defined]
        return expose(path, methods=[method])(operation)  # type: ignore[no-any-return]

    return declare


def _as_read_by(who: Actor, body: Any) -> Any:
    """One row or a page of them, with what is hidden from the reader left out and what he reads with dots in dots."""
    if not who.fields or not isinstance(body, dict):
        return body
    if isinstance(body.get("result"), list):
        rows = [guarded.answered(who, g.resource, row) if isinstance(row, dict) else row for row in body["result"]]
        return {**body, "result": rows}
    return guarded.answered(who, g.resource, body)


def _reading(who: Actor) -> str:
    """What his roles hold back from him, in short: equal for equal rights to fields."""
    told = sorted((resource, name, str(rule)) for (resource, name), rule in who.fields.items())
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _repeated_to(who: Actor, kept: Mapping[str, Any]) -> Any:
    """A kept answer as it was given. Where other fields are held back from him by now, only what stands on top of it:
    under whose right something deeper falls, nobody knows any more."""
    body = kept.get("answer")
    if kept.get("read_as") == _reading(who) or not who.fields:
        return body
    if not isinstance(body, dict):
        return {}
    if isinstance(body.get("result"), list):
        return _as_read_by(who, {**body, "result": [_on_top(one) for one in body["result"] if isinstance(one, dict)]})
    return _as_read_by(who, _on_top(body))


def _on_top(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}


def _answer(body: Any, status: int) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _repeatable() -> Repeatable | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return None
    if not key.strip() or len(key) > LONGEST_KEY:
        raise BadRequestError(_("The Idempotency-Key must be a text of 1 to 200 characters."))
    route = f"{request.method} {request.path}"
    if len(route) > LONGEST_KEY:
        raise NotFoundError
    return Repeatable(edge.actor().user_id, route, key, hashlib.sha256(request.get_data()).hexdigest())


class Api(BaseApi):
    """The base of every REST resource under /api/v1/. A subclass names its `resource` (security.roles) and verbs."""

    resource: ClassVar[str]
    version = "v1"
    #: filters that name a whole value: whoever knows all of it may look for it, though he reads it with dots
    exact: ClassVar[frozenset[str]] = frozenset()
    csrf_exempt = True  # FAB's word; operation() checks the token whenever a cookie signed the request in

    # ── reading a request ──
    @staticmethod
    def bytes_sent(longest: int = LONGEST_BODY) -> bytes:
        """The body as it came. Answers 413 above `longest` bytes."""
        too_large = RequestEntityTooLarge(str(_("The request is too large.")))
        if (request.content_length or 0) > longest:
            raise too_large
        sent = request.get_data()
        if len(sent) > longest:  # a body sent in chunks does not tell its length
            raise too_large
        return sent

    @classmethod
    def json_body(cls, *allowed: str) -> dict[str, Any]:
        """The JSON object sent. Raises BadRequestError, and InvalidInputError for keys that are not `allowed`."""
        try:
            body = json.loads(cls.bytes_sent() or b"{}", parse_constant=_refuse_constant)
            json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text that can be kept
        except (ValueError, RecursionError):
            raise BadRequestError(_("The request is not JSON.")) from None
        if not isinstance(body, dict):
            raise BadRequestError(_("The request must be a JSON object."))
        if allowed:
            unknown = {key[:LONGEST_KEY]: [schema.UNKNOWN] for key in body if key not in allowed}
            if unknown:
                raise InvalidInputError(fields=unknown)
        return body

    @classmethod
    def read(cls) -> dict[str, Any]:
        """The JSON object sent, right by this verb's schema. Raises InvalidInputError with every problem by key."""
        body = cls.json_body()
        problems = schema.problems(body, g.verb.body)
        if problems:
            raise InvalidInputError(fields=problems)
        guarded.refuse_unwritable(edge.actor(), g.resource, body, is_new=g.verb.right == "add")
        return body

    @classmethod
    def xml_sent(cls, longest: int) -> str:
        """The XML sent as application/xml or text/xml, in UTF-8. Answers 415 for anything else, 413 above `longest`."""
        if request.mimetype not in ("application/xml", "text/xml"):
            sentence = _("Please send the drawing as BPMN 2.0 XML, with the Content-Type application/xml.")
            raise UnsupportedMediaType(str(sentence))
        try:
            return cls.bytes_sent(longest).decode()
        except UnicodeDecodeError:
            raise BadRequestError(_("Please send the XML in UTF-8.")) from None

    @staticmethod
    def text(body: Mapping[str, Any], key: str, *, required: bool = False, longest: int = 200) -> str | None:
        """A text of the body, trimmed. Raises InvalidInputError for another type, a NUL, too long or missing."""
        checked = schema.record(required=[key] if required else [], **{key: schema.maybe(schema.text(longest))})
        problems = schema.problems({key: body.get(key)}, checked)
        if problems:
            raise InvalidInputError(fields=problems)
        return (body.get(key) or "").strip() or None

    @staticmethod
    def days(body: dict[str, Any], *keys: str) -> None:
        """Read these texts of the body as days (2026-11-23), in their place. Raises InvalidInputError beside each."""
        problems: dict[str, list[Sentence]] = {}
        for key in keys:
            if body.get(key) is not None:
                try:
                    body[key] = date.fromisoformat(body[key])
                except ValueError:
                    problems[key] = [_("This is no day. Example: 2026-12-31")]
        if problems:
            raise InvalidInputError(fields=problems)

    @staticmethod
    def id(text: str) -> int:
        return row_id(text)

    # ── answering with a list ──
    @staticmethod
    def page(
        rows: Select[Any],
        *,
        show: Row | None = None,
        show_all: Rows | None = None,
        orders: Mapping[str, Any],
        default_order: str,
        filters: Mapping[str, Narrow] | None = None,
        key: Any,
        load: Iterable[ExecutableOption] = (),
        page_size: int = PAGE_SIZE,
        by: Listed | None = None,
    ) -> dict[str, Any]:
        """One page in the list protocol of design.md §6.

        `rows` is already narrowed to what the actor may see; `orders` and `filters` are the names accepted, besides
        those of the table's own list (core.lists): ?where= its condition, ?order= any of its columns. `key` is the
        primary key, which makes every order total. `load` says what comes along with the rows, and `show_all` shows
        them together where one by one would ask too often. `by` is another list of the same table (that of one form).
        ?after= takes the `next` of the page before: page 3,900
        then costs what page 2 does. Raises BadRequestError for anything else.
        """
        who, listed = edge.actor(), by or list_of(key.class_)
        filters = {name: one for name, one in (filters or {}).items() if _may_filter(who, name)}
        orders = {name: one for name, one in orders.items() if who.reads(g.resource, guarded.key_of(name))}
        if listed is not None:
            orders = {**listed.orders_for(who), **orders}
        known = {"page", "page_size", "order", "after", *filters} | ({"where", "view"} if listed is not None else set())
        for name, values in request.args.lists():
            if name not in known:
                raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
            longest = LONGEST_CONDITION if name == "where" else 1000
            if len(values) > 1 or "\0" in values[0] or len(values[0]) > longest:
                raise BadRequestError(_("%(name)s was not understood.", name=name[:50]))
        asked: Mapping[str, str] = request.args
        if listed is not None and asked.get("view", "0") != "0":
            orders = {**orders, "": key}
            asked = {"order": listed.usual_order, **listed.opened_by(row_id(asked["view"]), edge.actor()), **asked}
        page = asked_number(asked, "page", 1, LARGEST_PAGE)
        size = asked_number(asked, "page_size", page_size, LARGEST_PAGE_SIZE)
        order = asked.get("order", default_order)
        descending = order.startswith("-")
        column = orders.get(order[1:] if descending else order)
        if column is None:
            raise BadRequestError(_("Rows cannot be ordered by %(name)s.", name=order[:50]))
        for name, narrow in filters.items():
            if asked.get(name, "") != "":
                rows = narrow(rows, asked[name])
        if listed is not None:
            condition = read_condition(asked.get("where", ""), listed.fields_for(edge.actor()))
            rows = rows if condition is None else rows.where(listed.narrowed(condition, edge.actor()))
        session = db.session()
        count, is_capped = paging.count(session, rows, key)
        ordered = paging.in_order(rows, column, key, falling=descending)
        if "after" in asked:
            cursor = paging.read_cursor(asked["after"])
            ordered = paging.beyond(ordered, column, key, cursor, falling=descending)
        else:
            ordered = ordered.offset((page - 1) * size)
        found = session.execute(ordered.add_columns(column.label("by")).options(*load).limit(size + 1)).unique().all()
        shown = [row[0] for row in found[:size]]
        last = paging.Cursor(found[size - 1].by, found[size - 1][0].id) if len(found) > size else None
        return {
            "result": show_all(shown) if show_all else [show(row) for row in shown] if show else [],
            "page": page,
            "page_size": size,
            "count": count,
            "count_capped": is_capped,
            "next": last.token if last else None,
        }

    # ── changing something ──
    @staticmethod
    def write(change: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
        """Run `change` in one transaction in the actor's name and answer with what it returns.

        With an Idempotency-Key (POST) the answer is kept in the same transaction: the same key and body get it again,
        the same key with another body raises ConflictError. What another one took meanwhile raises BusinessError.
        """
        repeatable: Repeatable | None = g.repeatable
        with edge.transaction() as session:
            if repeatable is None:
                return change(session)
            who = edge.actor()

            def told(session: Session) -> dict[str, Any]:
                return {"answer": _as_read_by(who, change(session)), "read_as": _reading(who)}

            answer: dict[str, Any] = _repeated_to(who, repeatable.once(session, told, status=g.verb.status))
            return answer


def _may_filter(who: Actor, name: str) -> bool:
    """May he narrow a list by this field?"""
    if not who.fields or who.reads(g.resource, guarded.key_of(name)):
        return True
    return name in g.exact and who.field_right(g.resource, guarded.key_of(name)) is FieldRight.masked


# ── what handlers share ──


def read_moment(body: Mapping[str, Any], key: str) -> datetime | None:
    """The moment that the body says there. Raises InvalidInputError beside the key."""
    if body.get(key) is None:
        return None
    try:
        at = datetime.fromisoformat(body[key])
        at.astimezone(UTC)  # at the ends of time there is none of ours
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInputError(fields={key: [_("This is no moment. Example: 2026-11-23T08:30:00+07:00")]})
    return at


def moment(at: datetime | None) -> str | None:
    """A moment as the interface writes it: ISO 8601 in UTC, ending in Z."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def flag(rows: Select[Any], text: str, condition: Any) -> Select[Any]:
    """`?mine=1` narrows, `?mine=0` does not. Raises BadRequestError for anything else."""
    if text not in ("0", "1"):
        raise BadRequestError(_("Please use 0 or 1."))
    return rows.where(condition) if text == "1" else rows


def equals(column: Any) -> Narrow:
    """`?code=KH000001`: this very text."""
    return lambda rows, text: rows.where(column == text)


def id_is(column: Any) -> Narrow:
    """`?customer=17`. Raises BadRequestError for what is no number; a number that nobody has finds nothing."""

    def narrow(rows: Select[Any], text: str) -> Select[Any]:
        if not (text.isascii() and text.isdigit()):
            raise BadRequestError(_("Please use a number."))
        possible = len(text) <= 10 and int(text) <= LARGEST_ID
        return rows.where(column == int(text) if possible else false())

    return narrow


def state_is(column: Any, kind: type[StrEnum]) -> Narrow:
    """`?status=running`. Raises BadRequestError for a word that is none of `kind`."""

    def narrow(rows: Select[Any], text: str) -> Select[Any]:
        return rows.where(column == member_of(kind, text))

    return narrow


def member_of(kind: type[StrEnum], text: str) -> StrEnum:
    """The state of that name. Raises BadRequestError."""
    try:
        return kind(text)
    except ValueError:
        raise BadRequestError(_("Please use one of: %(choices)s.", choices=", ".join(kind))) from None


def names_contain(key: Any, *columns: Any) -> Narrow:
    """`?q=giao cham` on a table of a few hundred rows without a text index: every word stands in one of the columns."""

    def narrow(rows: Select[Any], text: str) -> Select[Any]:
        words = fold(text).split()
        every = db.session().execute(rows.with_only_columns(key, *columns, maintain_column_froms=True).order_by(None))
        found = [row[0] for row in every if all(word in fold(" ".join(map(str, row[1:]))) for word in words)]
        return rows.where(key.in_(found))

    return narrow


def listing(orders: Iterable[str], **filters: str) -> dict[str, str]:
    """The query parameters of a list, for OpenAPI."""
    return {
        **filters,
        "where": "a condition on the fields of the list (docs/conditions.md), where the list has any",
        "view": "the id of a saved view (views): what it asks for, unless the address says otherwise",
        "after": "`next` of the page before",
        "order": f"{', '.join(orders)}, and the columns of the list on the page where there is one (own.KEY: a field"
        " that the company has added to customers); a minus in front turns the order around",
        "page": f"1 to {LARGEST_PAGE}",
        "page_size": f"1 to {LARGEST_PAGE_SIZE}",
    }


def usernames(ids: Iterable[int | None]) -> dict[int | None, str]:
    """User names by id, in one query: people are told to programs by the name they sign in with."""
    wanted = {user_id for user_id in ids if user_id is not None}
    if not wanted:
        return {}
    rows = db.session().execute(select(User.id, User.username).where(User.id.in_(wanted)))
    return {row.id: row.username for row in rows}


def not_here(key: str, sentence: Sentence) -> InvalidInputError:
    """What a body names is not there, or not for this actor."""
    return InvalidInputError(fields={key: [sentence]})


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


# ── the interface, told to programs ──


class OpenApi(Api):
    """GET /api/v1/_openapi: what there is, for whoever writes a program against it."""

    resource_name = "_openapi"
    route_base = "/api/v1"
    resource = "Member"  # public: no right is asked

    @verb("/_openapi", "GET", "This document", right=None, public=True)
    def index(self) -> dict[str, Any]:
        return openapi(self.appbuilder.baseviews, title="Tận Tâm")


_PLACEHOLDER = re.compile(r"<(?:[^:>]+:)?([^>]+)>")


def openapi(views: Sequence[Any], *, title: str) -> dict[str, Any]:
    """The interface as an OpenAPI 3.1 document, made from the verbs themselves."""
    paths: dict[str, Any] = {}
    for view in views:
        if not isinstance(view, Api):
            continue
        for name in dir(type(view)):
            operation: Verb | None = getattr(getattr(type(view), name), "verb", None)
            if operation is not None:
                path = _PLACEHOLDER.sub(r"{\1}", f"{view.route_base}{operation.path}")
                paths.setdefault(path, {})[operation.method.lower()] = {
                    "operationId": f"{view.resource_name}.{name}",
                    "tags": [view.resource_name],
                    **_told(operation),
                }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": dict(sorted(paths.items())),
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
            "responses": {
                "Refused": {
                    "description": "Refused",
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
            },
        },
    }


def _told(operation: Verb) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACEHOLDER.findall(operation.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    if operation.method == "POST" and not operation.public:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and body get the same answer again",
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            }
        )
    told: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            str(operation.status): {"description": "Done", "content": {operation.answers: {}}},
            "default": {"$ref": "#/components/responses/Refused"},
        },
    }
    if operation.body is not None:
        needed = operation.body.get("required") != []
        told["requestBody"] = {"required": needed, "content": {operation.media: {"schema": operation.body}}}
    if operation.public:
        told["security"] = []
    return told


_ERROR: Schema = {
    "type": "object",
    "required": ["error", "message", "fields"],
    "properties": {
        "error": {"type": "string", "description": "A stable code"},
        "message": {"type": "string", "description": "A sentence by Accept-Language"},
        "fields": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}
