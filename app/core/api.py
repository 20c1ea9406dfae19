"""How do programs talk to the product? One base for every REST resource: rights, lists, errors, idempotency, OpenAPI."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask import Response, current_app, jsonify, request
from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import expose
from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, edge
from app.core.db import Entity, Json, UtcDateTime, db, row_id
from app.core.errors import BadRequestError, ConflictError, InvalidInputError
from app.core.i18n import _

PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 100
LARGEST_PAGE = 10_000
COUNT_CAP = 10_000
LONGEST_BODY = 1_000_000

Row = Callable[[Any], dict[str, Any]]
Narrow = Callable[[Select[Any], str], Select[Any]]


class IdempotentAnswer(Entity):
    """What was answered to a request with an Idempotency-Key: the same request gets the same answer again."""

    __tablename__ = "idempotent_answer"
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("user_id", "route", "key"), {"extend_existing": False})

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(200))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column()
    body: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=clock.now, index=True)


@dataclass(frozen=True)
class Verb:
    """One operation of the interface, as OpenAPI shows it."""

    path: str
    method: str
    summary: str
    right: str | None
    public: bool = False
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


def verb(
    path: str,
    method: str,
    summary: str,
    *,
    right: str | None = "view",
    public: bool = False,
    body: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
    media: str = "application/json",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method of an Api an operation. `right` is asked on the Api's resource; `body` is a JSON Schema for OpenAPI."""

    def declare(method_of_api: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method_of_api)
        def operation(self: Api, **path_values: str) -> Response:
            if not public:
                who = edge.actor()
                if method != "GET" and not edge.by_token():
                    current_app.extensions["csrf"].protect()
                if right is not None:
                    who.must(right, self.resource)
            answer = method_of_api(self, **path_values)
            if isinstance(answer, Response):
                return answer
            body_of_answer, status = answer if isinstance(answer, tuple) else (answer, 200)
            response = jsonify(body_of_answer)
            response.status_code = status
            return response

        operation.verb = Verb(path, method, summary, right, public, body, query or {}, media)  # type: ignore[attr-defined]
        return expose(path, methods=[method])(operation)  # type: ignore[no-any-return]

    return declare


class Api(BaseApi):
    """The base of every REST resource under /api/v1/. A subclass names its `resource` (security.roles) and its verbs."""

    resource: ClassVar[str]
    version = "v1"
    csrf_exempt = True  # FAB's word; operation() checks the token whenever a cookie signed the request in

    # ── reading a request ──
    @staticmethod
    def json_body(*allowed: str) -> dict[str, Any]:
        """The JSON object sent. Raises BadRequestError, and InvalidInputError for keys that are not `allowed`."""
        if request.content_length is not None and request.content_length > LONGEST_BODY:
            raise BadRequestError(_("The request is too large."))
        try:
            body = json.loads(request.get_data() or b"{}", parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise BadRequestError(_("The request is not JSON.")) from None
        if not isinstance(body, dict):
            raise BadRequestError(_("The request must be a JSON object."))
        if allowed:
            unknown = {key: [_("This field is not known.")] for key in body if key not in allowed}
            if unknown:
                raise InvalidInputError(fields=unknown)
        return body

    @staticmethod
    def text(body: Mapping[str, Any], key: str, *, required: bool = False, longest: int = 200) -> str | None:
        """A text of the body, trimmed. Raises InvalidInputError for another type, a NUL, too long or missing."""
        value = body.get(key)
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                raise InvalidInputError(fields={key: [_("Please fill in this field.")]})
            return None
        if not isinstance(value, str) or "\0" in value:
            raise InvalidInputError(fields={key: [_("This must be a text.")]})
        if len(value) > longest:
            raise InvalidInputError(fields={key: [_("At most %(count)d characters, please.", count=longest)]})
        return value.strip()

    @staticmethod
    def integer(body: Mapping[str, Any], key: str, *, required: bool = False) -> int | None:
        """A whole number of the body. Raises InvalidInputError for anything else, true and 1.0 included."""
        value = body.get(key)
        if value is None:
            if required:
                raise InvalidInputError(fields={key: [_("Please fill in this field.")]})
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInputError(fields={key: [_("This must be a whole number.")]})
        return value

    @staticmethod
    def id(text: str) -> int:
        return row_id(text)

    # ── answering with a list ──
    @staticmethod
    def page(
        rows: Select[Any],
        *,
        show: Row,
        orders: Mapping[str, Any],
        default_order: str,
        filters: Mapping[str, Narrow] | None = None,
        key: Any,
    ) -> dict[str, Any]:
        """One page in the list protocol of design.md §6.

        `rows` is already narrowed to what the actor may see; `orders` and `filters` are the only names accepted;
        `key` is the primary key, which makes every order total. Raises BadRequestError for anything else asked.
        """
        filters = filters or {}
        known = {"page", "page_size", "order", *filters}
        for name, values in request.args.lists():
            if name not in known:
                raise BadRequestError(_("%(name)s is not something to filter by.", name=name[:50]))
            if len(values) > 1 or "\0" in values[0] or len(values[0]) > 1000:
                raise BadRequestError(_("%(name)s was not understood.", name=name[:50]))
        page = _number("page", 1, LARGEST_PAGE)
        size = _number("page_size", PAGE_SIZE, LARGEST_PAGE_SIZE)
        order = request.args.get("order", default_order)
        column = orders.get(order.removeprefix("-"))
        if column is None:
            raise BadRequestError(_("Rows cannot be ordered by %(name)s.", name=order[:50]))
        for name, narrow in filters.items():
            if request.args.get(name, "") != "":
                rows = narrow(rows, request.args[name])
        descending = order.startswith("-")
        session = db.session()
        capped = rows.with_only_columns(key, maintain_column_froms=True).order_by(None).limit(COUNT_CAP + 1).subquery()
        count = session.scalar(select(func.count()).select_from(capped)) or 0
        ordered = rows.order_by(None).order_by(
            column.desc() if descending else column.asc(), key.desc() if descending else key.asc()
        )
        found = session.scalars(ordered.limit(size).offset((page - 1) * size)).unique().all()
        return {
            "result": [show(row) for row in found],
            "page": page,
            "page_size": size,
            "count": min(count, COUNT_CAP),
            "count_capped": count > COUNT_CAP,
        }

    # ── changing something ──
    @staticmethod
    def write(
        change: Callable[[Session], dict[str, Any]], *, status: int = 200, idempotent: bool = False
    ) -> tuple[dict[str, Any], int]:
        """Run `change` in one transaction in the actor's name and answer with what it returns.

        With an Idempotency-Key the answer is kept in the same transaction: the same key and body get it again,
        the same key with another body raises ConflictError.
        """
        key = request.headers.get("Idempotency-Key") if idempotent else None
        if key is not None and (not key.strip() or len(key) > 200 or "\0" in key):
            raise BadRequestError(_("The Idempotency-Key must be a text of 1 to 200 characters."))
        who = edge.actor()
        with edge.transaction() as session:
            if key is None:
                return change(session), status
            digest = hashlib.sha256(request.get_data()).hexdigest()
            route = f"{request.method} {request.path}"
            if session.get_bind().dialect.name == "postgresql":
                # Two requests with one key at the same moment: the second waits for the first one's answer.
                session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{who.user_id} {route} {key}"))))
            known = session.scalars(
                select(IdempotentAnswer).where(
                    IdempotentAnswer.user_id == who.user_id,
                    IdempotentAnswer.route == route,
                    IdempotentAnswer.key == key,
                )
            ).one_or_none()
            if known is not None:
                if known.request_hash != digest:
                    raise ConflictError(_("This Idempotency-Key was used with another request."))
                return known.body, known.status
            answer = change(session)
            session.add(
                IdempotentAnswer(user_id=who.user_id, route=route, key=key, request_hash=digest, status=status, body=answer)
            )
            return answer, status


def moment(at: datetime | None) -> str | None:
    """A moment as the interface writes it: ISO 8601 in UTC, ending in Z."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def flag(rows: Select[Any], text: str, condition: Any) -> Select[Any]:
    """`?mine=1` narrows, `?mine=0` does not. Raises BadRequestError for anything else."""
    if text not in ("0", "1"):
        raise BadRequestError(_("Please use 0 or 1."))
    return rows.where(condition) if text == "1" else rows


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _number(name: str, default: int, largest: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= largest:
        raise BadRequestError(_("%(name)s must be a number from 1 to %(largest)d.", name=name, largest=largest))
    return int(text)


def openapi(views: Sequence[Any], *, title: str) -> dict[str, Any]:
    """The interface as an OpenAPI 3.1 document, made from the verbs themselves."""
    paths: dict[str, Any] = {}
    for view in views:
        if not isinstance(view, Api):
            continue
        for name in dir(type(view)):
            operation: Verb | None = getattr(getattr(type(view), name), "verb", None)
            if operation is None:
                continue
            path = f"{view.route_base}{operation.path}"
            names = [part.split(":")[-1].rstrip(">") for part in path.split("<")[1:]]
            names = [part.split(">")[0] for part in names]
            for part in path.split("<")[1:]:
                inside = part.split(">")[0]
                path = path.replace(f"<{inside}>", "{" + inside.split(":")[-1] + "}")
            parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
            parameters += [
                {"name": n, "in": "query", "description": text, "schema": {"type": "string"}}
                for n, text in operation.query.items()
            ]
            entry: dict[str, Any] = {
                "tags": [view.resource],
                "summary": operation.summary,
                "parameters": parameters,
                "responses": {
                    "201" if operation.method == "POST" and operation.path == "/" else "200": {"description": "OK"},
                    "default": {"description": "Refused", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
                },
            }  # fmt: skip
            if operation.body is not None:
                entry["requestBody"] = {"required": True, "content": {operation.media: {"schema": operation.body}}}
            if operation.public:
                entry["security"] = []
            paths.setdefault(path, {})[operation.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": dict(sorted(paths.items())),
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "required": ["error", "message", "fields"],
                    "properties": {
                        "error": {"type": "string"},
                        "message": {"type": "string"},
                        "fields": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                    },
                }
            },
        },
    }
