"""What every kind of field is tried with: right and wrong answers, kept in its own file under tests/forms/fields/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.forms import rules
from app.forms.fields.base import Context, FileFacts, Option

PICTURE, LETTER = FileFacts("anh.jpg", 1000, "image/jpeg"), FileFacts("don.pdf", 1000, "application/pdf")


@dataclass(frozen=True)
class Known:
    """Records that Lan may see, by id."""

    names: Mapping[int, str]
    are_listed: bool = True

    def name_of(self, record_id: int) -> str | None:
        return self.names.get(record_id)

    def offered(self) -> list[tuple[int, str]]:
        return list(self.names.items()) if self.are_listed else []

    def named(self, words: str) -> list[tuple[int, str]]:
        return [(number, name) for number, name in self.names.items() if words.lower() in name.lower()]


class Sent:
    def facts_of(self, file_id: int) -> FileFacts | None:
        return {3: PICTURE, 4: LETTER}.get(file_id)

    def largest(self) -> int:
        return 20 * 2**20


class Channels:
    def options_of(self, catalogue: str) -> tuple[Option, ...]:
        if catalogue != "channel":
            return ()
        return Option("zalo", {"vi": "Zalo"}), Option("fax", {"vi": "Máy fax"}, retired=True)


CONTEXT = Context(
    customers=Known({1: "Nguyễn Văn An", 7: "Công ty Sao Mai"}, are_listed=False),
    members=Known({2: "Trần Thị Lan"}),
    teams=Known({5: "Chăm sóc khách hàng"}),
    files=Sent(),
    catalogues=Channels(),
    answers={"city": "hn", "amount": 200_000, "items": [{"price": 1000}, {"price": 2500}]},
)

COLOURS = [{"value": "red", "label": "Đỏ"}, {"value": "blue", "label": {"vi": "Xanh", "en": "Blue"}}]


@dataclass(frozen=True)
class Examples:
    """`right` are (raw, value, shown). `settings` are what a definition of this kind cannot do without."""

    code: str
    right: tuple[tuple[Any, Any, str], ...]
    wrong: tuple[Any, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: what is shown can be typed as it stands
    is_typed_as_shown: bool = True


def a_field(code: str, **settings: Any) -> rules.FormField:
    """A field of that kind, read from a definition in which nothing is wrong."""
    drawn: dict[str, Any] = {"key": "k", "type": code, "label": "Câu hỏi", **settings}
    others = [
        {"key": "city", "type": "choice", "label": "Nơi", "options": [{"value": "hn", "label": "Hà Nội"},
                                                                       {"value": "hcm", "label": "Sài Gòn"}]},
        {"key": "amount", "type": "money", "label": "Số tiền"},
        {"key": "items", "type": "rows", "label": "Hàng",
         "fields": [{"key": "price", "type": "money", "label": "Giá"}]},
    ]  # fmt: skip
    assert rules.check_definition({"name": "Thử", "fields": [*others, drawn]}) == []
    return rules.read_field(drawn)


def read(code: str, raw: object, context: Context = CONTEXT, **settings: Any) -> Any:
    one = a_field(code, **settings)
    return one.type.parse(raw, one.spec, context)


def told(code: str, raw: object, **settings: Any) -> str:
    """The one sentence with which a raw answer is refused."""
    (sentence,) = read(code, raw, **settings).problems
    return str(sentence)
