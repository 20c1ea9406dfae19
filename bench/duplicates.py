"""How many of the customers that were entered twice are found, how many of the found pairs are none, and how fast?

    python -m bench.duplicates [--customers 100000] [--pairs 1000] [--database sqlite|postgresql]

With a database they are customers of a company, and what is measured is the worker's job: reading everybody, comparing,
writing the pairs for people to look at. Without one, comparing alone.

The people are drawn as Vietnamese names are spread (two in five are called Nguyễn), with what makes it hard: namesakes,
families at one address with one telephone number of the house, twins, fathers and sons, the first of January where
nobody knew the birthday. Into them pairs are planted: the same customer typed a second time by somebody else, with
other accents, initials, a word left out, a slip of the finger, a moved house, a new number. Something of what tells
people apart always stays: one fact beside the very same name, two beside a changed one.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.core.vietnamese import fold, show_phone
from app.customers import matching, places, rules
from app.customers.duplicates import looking
from app.customers.duplicates.models import DuplicatePair, RunKind
from app.customers.matching import Candidate
from app.customers.models import ContactKind, ContactPoint, Customer, CustomerKind, Gender
from bench.bulk import Bulk, fast, tidy
from bench.company import company

#: name → share of a thousand
_FAMILIES = {
    "Nguyễn": 384, "Trần": 121, "Lê": 95, "Phạm": 70, "Hoàng": 26, "Huỳnh": 25, "Phan": 45, "Vũ": 20, "Võ": 19,
    "Đặng": 21, "Bùi": 20, "Đỗ": 14, "Hồ": 13, "Ngô": 13, "Dương": 10, "Lý": 5, "Đinh": 9, "Trịnh": 8, "Đoàn": 8,
    "Lương": 7, "Mai": 6, "Tạ": 5, "Cao": 6, "Lâm": 6, "Hà": 6, "Thái": 4, "Châu": 4, "Quách": 3, "Tô": 4, "Tăng": 3,
    "Kiều": 2, "Nông": 3, "Vương": 3, "La": 2, "Ưng": 1, "Nghiêm": 2, "Đào": 6, "Chu": 3, "Lưu": 4, "Tôn": 1,
}  # fmt: skip
_WOMEN_MIDDLE = (
    *["Thị"] * 14, "Thị Ngọc", "Thị Thu", "Thị Hồng", "Thị Kim", "Thị Thanh", "Thị Bích", "Thị Mỹ", "Ngọc", "Ngọc",
    "Thanh", "Thu", "Phương", "Minh", "Hoài", "Khánh", "Bảo", "Quỳnh", "Kim", "Diệu", "Thùy", "Như", "Hải", "Tuyết",
)  # fmt: skip
_WOMEN = (
    "Lan", "Hoa", "Hương", "Hường", "Thảo", "Trang", "Linh", "Anh", "Ánh", "Mai", "Ngọc", "Hà", "Hạnh", "Hằng",
    "Thủy", "Thúy", "Nga", "Nhung", "Huyền", "Yến", "Oanh", "Loan", "Phượng", "Phương", "Trinh", "Trâm", "Thư", "Vy",
    "Uyên", "Duyên", "Giang", "Hiền", "Liên", "Hòa", "Bình", "Xuân", "Tâm", "Châu", "Quyên", "Ngân", "My", "Nhi",
    "Tuyền", "Dung", "Diễm", "Hồng", "Vân", "Chi", "Quỳnh", "Thoa", "Lý", "Sương", "Nguyệt", "Tuyết", "Kiều", "Diệp",
    "Đào", "Ý", "Ưu",
)  # fmt: skip
_MEN_MIDDLE = (
    *["Văn"] * 12, "Hữu", "Đức", "Đình", "Xuân", "Quốc", "Minh", "Minh", "Hoàng", "Công", "Thành", "Ngọc", "Bá",
    "Trọng", "Tiến", "Mạnh", "Duy", "Gia", "Việt", "Thế", "Thanh", "Quang", "Anh", "Tuấn", "Hải", "Phúc",
)  # fmt: skip
_MEN = (
    "Hùng", "Hưng", "Dũng", "Tuấn", "Minh", "Nam", "Anh", "Hải", "Long", "Quân", "Sơn", "Thắng", "Thành", "Tùng",
    "Trung", "Đức", "Hiếu", "Huy", "Khánh", "Khoa", "Kiên", "Lâm", "Lộc", "Mạnh", "Nghĩa", "Phong", "Phúc", "Phước",
    "Quang", "Quý", "Tài", "Tâm", "Tân", "Thiện", "Thịnh", "Tiến", "Toàn", "Trí", "Trường", "Tú", "Vinh", "Vũ",
    "Bình", "Bảo", "Cường", "Chiến", "Công", "Đạt", "Điệp", "Giang", "Hậu", "Hòa", "Duy", "Đăng", "Luân", "Lực",
    "Sang", "Thông", "Ý",
)  # fmt: skip
_COMPANY_FORMS = ("Công ty TNHH", "Công ty Cổ phần", "Công ty TNHH MTV", "Doanh nghiệp tư nhân", "Hộ kinh doanh")
_OTHER_FORMS = ("CTY TNHH", "Cty CP", "CÔNG TY TNHH MỘT THÀNH VIÊN", "DNTN", "HKD")
_TRADES = (
    "Thương mại", "Thương mại Dịch vụ", "Xây dựng", "Thực phẩm", "Vận tải", "Đầu tư", "Sản xuất", "Du lịch",
    "Nội thất", "Cơ khí", "Dược phẩm", "Bao bì", "May mặc", "Công nghệ", "Nông sản", "Thủy sản", "Điện máy",
)  # fmt: skip
_SHORT_TRADES = {"Thương mại Dịch vụ": "TM DV", "Thương mại": "TM", "Xây dựng": "XD", "Sản xuất": "SX", "Đầu tư": "ĐT"}
_BRANDS = (
    "An Phát", "Hưng Thịnh", "Minh Khang", "Đại Việt", "Phú Quý", "Tân Tiến", "Hoàng Gia", "Thành Công", "Sao Mai",
    "Bình Minh", "Đông Á", "Nam Việt", "Trường Phát", "Kim Long", "Hải Đăng", "Á Châu", "Gia Bảo", "Thiên Ân",
    "Phước Lộc", "Sen Vàng", "Việt Tiến", "Hồng Hà", "Đức Thắng", "Toàn Cầu", "Vạn Xuân", "Ngọc Linh",
)  # fmt: skip
_STREETS = (
    "Lê Lợi", "Trần Hưng Đạo", "Nguyễn Huệ", "Hai Bà Trưng", "Lý Thường Kiệt", "Nguyễn Trãi", "Quang Trung",
    "Phan Chu Trinh", "Phan Bội Châu", "Điện Biên Phủ", "Cách Mạng Tháng Tám", "Nguyễn Văn Cừ", "Lê Duẩn",
    "Võ Văn Kiệt", "Hùng Vương", "Ngô Quyền", "Bà Triệu", "Tôn Đức Thắng", "Nguyễn Thị Minh Khai", "Láng Hạ",
    "Giải Phóng", "Trường Chinh", "Hoàng Hoa Thám", "Cầu Giấy", "Xuân Thủy", "Kim Mã", "Đội Cấn",
)  # fmt: skip
_VILLAGES = (
    "thôn Đông",
    "thôn Đoài",
    "ấp 3",
    "ấp Bình Hòa",
    "xóm Mới",
    "tổ 5",
    "khu phố 2",
    "thôn Trung",
    "ấp Tân Lập",
)
_MOBILES = (
    "032", "033", "035", "037", "039", "070", "076", "079", "081", "083", "085", "089", "090", "091", "093", "096",
    "097", "098",
)  # fmt: skip
_TODAY = date(2026, 11, 22)
_SECONDS, _RECALL, _PRECISION = 60, 0.95, 0.90


@dataclass(frozen=True)
class Typed:
    """A customer as somebody typed him."""

    name: str
    kind: CustomerKind = CustomerKind.person
    gender: Gender | None = None
    birthday: date | None = None
    street: str = ""
    ward: str = ""
    phones: tuple[str, ...] = ()

    def candidate(self, number: int) -> Candidate:
        return Candidate(
            number, self.kind, matching.name_key(self.name, self.kind), self.birthday,
            matching.addr_key(self.street, self.ward, None), matching.tails(self.phones), self.gender,
        )  # fmt: skip


class Maker:
    """Draws people and companies; the same for the same seed."""

    def __init__(self, seed: int | str) -> None:
        self.rng = random.Random(seed)
        self._wards = [ward.code for province in places.provinces() for ward in places.wards_of(province.code)]

    def crowd(self, count: int) -> list[Typed]:
        """So many customers, families and companies among them."""
        made: list[Typed] = []
        while len(made) < count:
            draw = self.rng.random()
            made += self._family() if draw < 0.06 else [self.company()] if draw < 0.16 else [self.person()]
        return made[:count]

    def person(self, **given: object) -> Typed:
        rng = self.rng
        gender = rng.choice((Gender.female, Gender.male))
        is_woman = gender is Gender.female
        family = rng.choices(list(_FAMILIES), list(_FAMILIES.values()))[0]
        middle, name = rng.choice(_WOMEN_MIDDLE if is_woman else _MEN_MIDDLE), rng.choice(_WOMEN if is_woman else _MEN)
        drawn = Typed(
            f"{family} {middle} {name}", gender=gender, birthday=self._birthday() if rng.random() < 0.65 else None,
            phones=(self._phone(),), **(self._address() if rng.random() < 0.65 else {}),
        )  # fmt: skip
        return replace(drawn, **given)  # type: ignore[arg-type]

    def company(self) -> Typed:
        rng = self.rng
        name = f"{rng.choice(_COMPANY_FORMS)} {rng.choice(_TRADES)} {rng.choice(_BRANDS)}"
        name += f" {rng.choice(_BRANDS)}" if rng.random() < 0.5 else ""
        return Typed(name, CustomerKind.company, phones=(self._phone(),), **self._address())

    def _family(self) -> list[Typed]:
        """Parents, children and twins in one house; all but the first with the same family name."""
        rng, home = self.rng, self._address()
        first = self.person(**home)
        family, day = first.name.split()[0], self._birthday()
        rest = []
        for _one in range(rng.randint(1, 3)):
            other = self.person(**home)
            name = f"{family} {other.name.split(maxsplit=1)[1]}"
            rest.append(replace(other, name=name, birthday=day if rng.random() < 0.3 else other.birthday))
        return [first, *rest]

    def _birthday(self) -> date:
        rng = self.rng
        day = date(1945, 1, 1) + timedelta(days=rng.randrange(23_000))
        return day.replace(day=1, month=1) if rng.random() < 0.04 else day

    def _address(self) -> dict[str, str]:
        rng = self.rng
        ward = rng.choice(self._wards[:300]) if rng.random() < 0.4 else rng.choice(self._wards)
        number = f"{rng.randint(1, 350)}" + rng.choice(["", "", "", f"/{rng.randint(1, 60)}", "A", "B"])
        street = rng.choice(_VILLAGES) if rng.random() < 0.15 else f"{number} {rng.choice(_STREETS)}"
        return {"street": street, "ward": ward}

    def _phone(self) -> str:
        return f"+84{self.rng.choice(_MOBILES)[1:]}{self.rng.randrange(10_000_000):07}"

    # ── the second time ──
    def again(self, first: Typed) -> Typed:
        """The same customer, as a colleague types him a year later."""
        rng = self.rng
        name = self._company_again(first.name) if first.kind is CustomerKind.company else self._name_again(first.name)
        second = replace(
            first, name=name, gender=first.gender if rng.random() < 0.6 else None, phones=self._phones_again(first),
            birthday=self._birthday_again(first.birthday), **self._address_again(first),
        )  # fmt: skip
        if self._is_recognisable(first, second):
            return second
        return replace(
            second, birthday=first.birthday, street=first.street, ward=first.ward, phones=self._same_tail(first)
        )

    def _is_recognisable(self, one: Typed, other: Typed) -> bool:
        """By two facts beside the name: birthday, house or last digits. One alone may be another person's."""
        a, b = one.candidate(1), other.candidate(2)
        is_same_house = a.addr_key == b.addr_key and bool(a.addr_key) and a.addr_key[0].isdigit()
        agree = [bool(a.birthday) and a.birthday == b.birthday, is_same_house, bool(a.tails & b.tails)]
        return sum(agree) >= (1 if fold(one.name) == fold(other.name) else 2)

    def _name_again(self, name: str) -> str:
        rng = self.rng
        ways = rng.choices(
            ["same", "accents", "honorific", "capitals", "turned", "middle", "initials", "slip"],
            [20, 25, 20, 10, 5, 8, 5, 7],
        )  # fmt: skip
        words = name.split()
        match ways[0]:
            case "accents":
                return fold(name).title()
            case "honorific":
                return f"{rng.choice(['Anh', 'Chị', 'Cô', 'Chú', 'Bác', 'Ms.', 'Mr'])} {name}"
            case "capitals":
                return f"{name.upper()} ({rng.choice(['khách quen', 'Cầu Giấy', 'mua sỉ'])})"
            case "turned":
                return " ".join([words[-1], *words[:-1]])
            case "middle":
                return " ".join([words[0], *words[2:]])
            case "initials":
                return " ".join([words[0], *(f"{word[0]}." for word in words[1:-1]), words[-1]])
            case "slip":
                return self._slip(words)
        return name

    def _slip(self, words: list[str]) -> str:
        at = self.rng.randrange(len(words))
        word = words[at]
        if len(word) < len("Hoàng"):
            return " ".join(words)
        spot = self.rng.randrange(1, len(word) - 1)
        wrong = self.rng.choice([word[:spot] + word[spot + 1 :], word[:spot] + word[spot] + word[spot:],
                                 word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]])  # fmt: skip
        return " ".join([*words[:at], wrong, *words[at + 1 :]])

    def _company_again(self, name: str) -> str:
        rng = self.rng
        for form, other in zip(_COMPANY_FORMS, _OTHER_FORMS, strict=True):
            if name.startswith(f"{form} ") and rng.random() < 0.6:
                name = f"{rng.choice([other, form.upper()])} {name.removeprefix(form).strip()}"
                break
        for trade, short in _SHORT_TRADES.items():
            if trade in name and rng.random() < 0.4:
                name = name.replace(trade, short)
        return fold(name) if rng.random() < 0.2 else name.upper() if rng.random() < 0.2 else name

    def _phones_again(self, first: Typed) -> tuple[str, ...]:
        return self._same_tail(first) if self.rng.random() < 0.45 else (self._phone(),)

    def _same_tail(self, first: Typed) -> tuple[str, ...]:
        """The same number under another prefix: mistyped, or renumbered by hand and wrong."""
        number = first.phones[0]
        return (f"+84{self.rng.choice(_MOBILES)[1:]}{self.rng.randrange(10)}{number[-6:]}",)

    def _birthday_again(self, day: date | None) -> date | None:
        draw = self.rng.random()
        if day is None or draw < 0.2:
            return None
        return day.replace(day=day.month, month=day.day) if draw < 0.28 and day.day <= 12 else day

    def _address_again(self, first: Typed) -> dict[str, str]:
        rng, draw = self.rng, self.rng.random()
        if not first.street or draw < 0.2:
            return {"street": "", "ward": ""}
        if draw < 0.3:
            return self._address()
        street = first.street
        number, _blank, name = street.partition(" ")
        if number[0].isdigit():
            street = rng.choice(
                [street, f"Số {number}, đường {name}", f"{number} {fold(name)}", f"số nhà {number} {name}"]
            )
        return {"street": street, "ward": first.ward}


def planted(customers: int, pairs: int, seed: int | str = "Phở Sen") -> tuple[list[Candidate], set[tuple[int, int]]]:
    """(all customers in mixed order, the pairs of ids that are one)."""
    typed, true = planted_people(customers, pairs, seed)
    return [one.candidate(number) for number, one in typed], true


def planted_people(
    customers: int, pairs: int, seed: int | str = "Phở Sen"
) -> tuple[list[tuple[int, Typed]], set[tuple[int, int]]]:
    """The same as they were typed, with their ids."""
    maker = Maker(seed)
    crowd = maker.crowd(customers - pairs)
    twice = maker.rng.sample(range(len(crowd)), pairs)
    order = list(range(1, customers + 1))
    maker.rng.shuffle(order)
    people = [(order[at], one) for at, one in enumerate(crowd)]
    true = set()
    for number, at in enumerate(twice, start=len(crowd)):
        people.append((order[number], maker.again(crowd[at])))
        true.add((min(order[at], order[number]), max(order[at], order[number])))
    maker.rng.shuffle(people)
    return people, true


# ── In a database ────────────────────────────────────────────────────────────────────────────────────────────────────

_CUSTOMER = ("id", "code", "kind", "name", "sort_key", "search_text", "birthday", "gender", "street", "ward_code",
             "name_key", "addr_key", "rev", "created_at", "updated_at")  # fmt: skip
_CONTACT = ("customer_id", "kind", "value", "shown", "is_preferred", "created_at", "updated_at")


def write(bulk: Bulk, people: Iterable[tuple[int, Typed]]) -> None:
    """As create_customer writes them, by the rules that it uses."""
    now = clock.now()
    customers: list[tuple[Any, ...]] = []
    contacts: list[tuple[Any, ...]] = []
    for number, one in sorted(people, key=lambda person: person[0]):
        code, alike = rules.customer_code(number), one.candidate(number)
        points = [(ContactKind.phone, phone) for phone in one.phones]
        customers.append((
            number, code, one.kind, one.name, rules.name_order(one.name, one.kind),
            rules.search_text(code, one.name, points), one.birthday, one.gender, one.street or None, one.ward or None,
            alike.name_key, alike.addr_key or None, 1, now, now,
        ))  # fmt: skip
        contacts += [(number, kind, value, show_phone(value), True, now, now) for kind, value in points]
    bulk.write(Customer.__table__, _CUSTOMER, customers)
    bulk.write(ContactPoint.__table__, _CONTACT, contacts)
    bulk.continue_numbers(Customer.__table__)
    bulk.count_on("customer", len(customers))


def in_database(kind: str, customers: int, pairs: int) -> bool:
    """Prints what the worker's run costs, the first one and the one of the next night; False: a target is missed."""
    with company(kind):
        people, true = planted_people(customers, pairs)
        with db.engine.connect() as connection, fast(connection) as bulk:
            write(bulk, people)
        tidy(db.engine)
        seconds = []
        for label in ("first run", "the next night"):
            wall, cpu = time.perf_counter(), time.process_time()
            looking.look(RunKind.full)
            seconds.append(time.perf_counter() - wall)
            print(f"{kind}, {label}: {seconds[-1]:.1f} s by the wall, {time.process_time() - cpu:.1f} s CPU of this "
                  f"process, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        session = db.session()
        found = {tuple(row) for row in session.execute(select(DuplicatePair.first_id, DuplicatePair.second_id))}
        session.rollback()
    return tell(customers, true, found) and max(seconds) <= _SECONDS


def tell(customers: int, true: Collection[tuple[int, int]], found: Collection[tuple[int, int]]) -> bool:
    hits = len(set(true) & set(found))
    recall, precision = hits / len(true), hits / max(1, len(found))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{customers} customers, {len(true)} planted, {len(found)} found: recall {recall:.1%}, "
          f"precision {precision:.1%}; {most} MB at most")  # fmt: skip
    return recall >= _RECALL and precision >= _PRECISION


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--show", type=int, default=0, help="so many of the missed and of the wrong pairs")
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), help="the worker's whole run, not comparing alone"
    )
    asked = parser.parse_args()
    if asked.database:
        return 0 if in_database(asked.database, asked.customers, asked.pairs) else 1
    candidates, true = planted(asked.customers, asked.pairs)
    began = time.process_time()
    found = list(matching.find_pairs(candidates))
    spent = time.process_time() - began
    pairs = {(one.first, one.second) for one in found}
    print(f"comparing: {spent:.1f} s of one core")
    is_held = tell(len(candidates), true, pairs) and spent <= _SECONDS
    by_id = {one.id: one for one in candidates}
    for title, some in (("missed", sorted(true - pairs)), ("wrong", sorted(pairs - true))):
        for a, b in some[: asked.show]:
            print(title, by_id[a], by_id[b], matching.score(by_id[a], by_id[b]), sep="\n   ")
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
