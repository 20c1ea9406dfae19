"""What are the customers of Phở Sen called, and how are they reached? Made up, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.core.vietnamese import fold, phone_e164
from app.customers.models import CustomerKind


@dataclass(frozen=True)
class Profile:
    """A customer as the creator typed him."""

    name: str
    kind: CustomerKind
    phone: str
    #: how one speaks to him: "chị Duyên"
    call: str
    email: str | None = None
    #: his Zalo account goes by the same number
    has_zalo: bool = False
    #: a code of the catalogue of channels
    source: str | None = None
    note: str | None = None

    @property
    def is_company(self) -> bool:
        return self.kind is CustomerKind.company


def _woman(name: str, phone: str, **more: str) -> Profile:
    return Profile(name, CustomerKind.person, phone, f"chị {name.split()[-1]}", **more)  # type: ignore[arg-type]


def _man(name: str, phone: str, **more: str) -> Profile:
    return Profile(name, CustomerKind.person, phone, f"anh {name.split()[-1]}", **more)  # type: ignore[arg-type]


def _company(name: str, phone: str, **more: str) -> Profile:
    return Profile(name, CustomerKind.company, phone, "quý khách", **more)  # type: ignore[arg-type]


#: The customers whom the product's pictures and the guide know by name.
KNOWN = (
    _woman("Đặng Thị Mỹ Duyên", "0912 354 678", email="duyen.dang@homdong.example", source="zalo",
           note="Khách quen Cầu Giấy, hay mua phở bò khô Sen 24 gói. Giờ tiện gọi: 09:00–11:00."),
    _man("Ưng Hoàng Đức", "0903 118 266", source="facebook"),
    _man("Nguyễn Đình Phước", "0977 450 129", source="phone"),
    _company("Khách sạn Sông Đuống", "024 3936 5588", email="bep@songduong.example", source="referral",
             note="Đặt tiệc theo tháng, người nhận hàng là bếp trưởng. Xuất hóa đơn công ty."),
    _company("Công ty TNHH Thực phẩm Đại Ưng", "028 3822 4170", email="muahang@daiung.example", source="fair",
             note="Lấy combo Tết cho nhân viên, báo giá trước ngày 15 hằng tháng."),
    _woman("Lương Ỹ Nhi", "0938 204 771", source="website"),
    _woman("Đỗ Thị Hồng Nhung", "0345 617 890", email="hongnhung.do@example.com", source="zalo"),
    _woman("Hoàng Thị Ngọc Ánh", "0789 003 456", source="facebook"),
    _man("Trần Văn Kỹ", "0868 590 312", email="tranvanky@example.com", source="store",
         note="Khách lâu năm, đã lâu chưa mua lại."),
    _woman("Vũ Quỳnh Như", "0918 722 045", email="quynhnhu.vu@example.org", source="referral"),
    _man("Bùi Đức Thưởng", "0966 281 904", source="website", note="Đang hỏi điều kiện làm đại lý."),
    _woman("Phan Thị Ngưỡng", "0932 660 718", source="phone", note="Gọi cô, xin gọi sau giờ nghỉ trưa."),
    _woman("Lê Ngọc Bảo Trân", "0327 945 001", source="shopee"),
    _man("Mai Xuân Trường", "0988 014 527", source="facebook"),
    _woman("Trương Như Ý", "0905 337 812", email="nhuy.truong@example.net", source="store"),
)  # fmt: skip

_FAMILIES = (
    *["Nguyễn"] * 12, *["Trần"] * 6, *["Lê"] * 5, *["Phạm"] * 4, *["Hoàng"] * 2, *["Huỳnh"] * 2, *["Phan"] * 2,
    *["Vũ"] * 2, *["Võ"] * 2, *["Đặng"] * 2, *["Bùi"] * 2, *["Đỗ"] * 2, "Hồ", "Ngô", "Dương", "Lý", "Đinh", "Trịnh",
    "Đoàn", "Lương", "Mai", "Tạ", "Quách", "Ưng", "Lưu", "Thái", "Châu", "Đào", "Cao", "Kiều", "Nghiêm", "Triệu",
)  # fmt: skip
_WOMEN_MIDDLE = (
    "Thị", "Thị", "Thị Mỹ", "Thị Hồng", "Thị Ngọc", "Thị Thu", "Thị Bích", "Ngọc", "Quỳnh", "Thùy", "Thanh", "Kim",
    "Như", "Bảo", "Phương", "Diễm", "Tường", "Khánh", "Mỹ", "Hoài",
)  # fmt: skip
_WOMEN = (
    "Duyên", "Ánh", "Nhung", "Như", "Trân", "Ý", "Yến", "Hạnh", "Thảo", "Huyền", "Phượng", "Thủy", "Tuyết", "Nguyệt",
    "Quyên", "Hằng", "Hường", "Loan", "Trúc", "Vy", "Xuân", "Oanh", "Khuê", "Lựu", "Giang", "Uyên", "Hiền", "Nhã",
    "Thơ", "Mận", "Sương", "Đào", "Ngưỡng", "Tưởng Vi", "Mỵ", "Thẫm", "Dịu", "Ngát", "Nụ", "Nghĩa",
)  # fmt: skip
_MEN_MIDDLE = (
    "Văn", "Văn", "Đình", "Đức", "Xuân", "Quốc", "Hữu", "Minh", "Hoàng", "Công", "Thành", "Ngọc", "Bá", "Trọng",
    "Tiến", "Mạnh", "Duy", "Gia", "Việt", "Thế",
)  # fmt: skip
_MEN = (
    "Phước", "Kỹ", "Thưởng", "Trường", "Dũng", "Hưng", "Khởi", "Luân", "Nghĩa", "Quý", "Sỹ", "Tiệp", "Vỹ", "Vượng",
    "Thắng", "Tuấn", "Bảo", "Đạt", "Hiếu", "Khánh", "Lộc", "Mẫn", "Nhật", "Phúc", "Quyền", "Thuận", "Toàn", "Việt",
    "Cường", "Khương", "Hoạch", "Ưng", "Chiến", "Đương", "Kiệt", "Lượng", "Ngữ", "Bằng", "Sửu", "Đỉnh",
)  # fmt: skip
_COMPANY_KINDS = (
    "Công ty TNHH Thực phẩm", "Công ty CP Thương mại", "Công ty TNHH MTV", "Khách sạn", "Nhà hàng", "Quán cơm",
    "Trường mầm non", "Siêu thị mini", "Bếp ăn công nghiệp", "Hợp tác xã", "Cửa hàng tiện lợi", "Tiệc cưới",
)  # fmt: skip
_COMPANY_NAMES = (
    "Hương Quê", "Thuận Phước", "Ánh Dương", "Đồng Xanh", "Mỹ Khê", "Phù Đổng", "Tây Hồ", "Bến Nghé", "Sông Hậu",
    "Đất Việt", "Hải Vân", "Cửu Long", "Trường Sơn", "Ngọc Lặc", "Kỳ Lừa", "Mường Thưởng", "Bưởi Diễn", "Lúa Vàng",
    "Quỳnh Lưu", "Vĩnh Tuy", "Chợ Được", "Nghĩa Đô", "Thủ Đức", "Hoa Sữa", "Ỷ La", "Tràng Tiền", "Cỏ Nội", "Yên Phụ",
)  # fmt: skip
_MOBILE_STARTS = (
    "032", "033", "034", "035", "036", "037", "038", "039", "056", "058", "070", "076", "077", "078", "079", "081",
    "082", "083", "084", "085", "086", "088", "089", "090", "091", "093", "094", "096", "097", "098",
)  # fmt: skip
_LANDLINE_STARTS = ("0243", "0283", "02363", "02253", "02923", "02583")
_NUMBER_LENGTH = 10
_LANDLINE_LENGTH = 11
_SOURCES = ("facebook", "zalo", "phone", "website", "store", "referral", "shopee", "fair")
_MAIL_HOSTS = ("example.com", "example.net", "example.org")
_NOTES = (
    "Gọi sau 14:30, buổi sáng bận họp.",
    "Giao giờ hành chính, gửi ở quầy lễ tân.",
    "Ăn nhạt, hay hỏi về lượng muối.",
    "Khách quen của cửa hàng Cầu Giấy.",
    "Mua làm quà biếu, cần hộp còn nguyên.",
    "Nhờ nhắn Zalo trước khi giao 30 phút.",
    "Nhà trong ngõ nhỏ, xe tải không vào được.",
    "Thích nhận phiếu giảm giá hơn hoàn tiền.",
    "Từng phàn nàn vì gói nước cốt bị rò.",
    "Mua định kỳ vào đầu tháng.",
)
_COMPANY_NOTES = (
    "Xuất hóa đơn công ty, gửi bản điện tử trong ngày.",
    "Đối soát công nợ vào ngày 25 hằng tháng.",
    "Nhận hàng trước 6 giờ sáng, liên hệ bếp trưởng.",
    "Cần báo giá riêng cho đơn trên 50 thùng.",
)


def is_reserved(digits: str) -> bool:
    """Numbers that no seeded customer has: whoever tries the product out types them himself."""
    return digits.startswith("09123456") or "0977000000" <= digits <= "0977123999"


def profiles(rng: random.Random, count: int) -> Iterator[Profile]:
    """`count` customers, no two with one name, number or address: the known ones first, then persons and companies."""
    names = {known.name for known in KNOWN}
    addresses = {known.email for known in KNOWN}
    numbers = {phone_e164(known.phone) for known in KNOWN}
    yield from KNOWN[:count]
    while len(names) < count:
        drawn = _draw_company(rng, numbers) if rng.random() < 0.13 else _draw_person(rng, numbers)
        if drawn.name not in names:
            names.add(drawn.name)
            numbers.add(phone_e164(drawn.phone))
            yield replace(drawn, email=None) if drawn.email in addresses else drawn
            addresses.add(drawn.email)


def more_numbers(rng: random.Random, known: Sequence[Profile]) -> Iterator[str]:
    """Mobile numbers, as many as are asked for, that none of these customers has."""
    taken = {phone_e164(profile.phone) for profile in known}
    while True:
        number = _draw_number(rng, _MOBILE_STARTS, _NUMBER_LENGTH, taken)
        taken.add(phone_e164(number))
        yield number


def _draw_person(rng: random.Random, taken: set[str | None]) -> Profile:
    is_woman = rng.random() < 0.6
    middle, given = (_WOMEN_MIDDLE, _WOMEN) if is_woman else (_MEN_MIDDLE, _MEN)
    family, last = rng.choice(_FAMILIES), rng.choice(given)
    return Profile(
        name=f"{family} {rng.choice(middle)} {last}",
        kind=CustomerKind.person,
        phone=_draw_number(rng, _MOBILE_STARTS, _NUMBER_LENGTH, taken),
        call=f"{'chị' if is_woman else 'anh'} {last}",
        email=_mail(f"{last} {family}", rng) if rng.random() < 0.4 else None,
        has_zalo=rng.random() < 0.35,
        source=rng.choice(_SOURCES),
        note=rng.choice(_NOTES) if rng.random() < 0.3 else None,
    )


def _draw_company(rng: random.Random, taken: set[str | None]) -> Profile:
    kind, name = rng.choice(_COMPANY_KINDS), rng.choice(_COMPANY_NAMES)
    has_landline = rng.random() < 0.5
    starts, length = (_LANDLINE_STARTS, _LANDLINE_LENGTH) if has_landline else (_MOBILE_STARTS, _NUMBER_LENGTH)
    return Profile(
        name=f"{kind} {name}",
        kind=CustomerKind.company,
        phone=_draw_number(rng, starts, length, taken),
        call="quý khách",
        email=f"lienhe@{_letters(name)}.example" if rng.random() < 0.8 else None,
        source=rng.choice(_SOURCES),
        note=rng.choice(_COMPANY_NOTES) if rng.random() < 0.5 else None,
    )


def _draw_number(rng: random.Random, starts: Sequence[str], length: int, taken: set[str | None]) -> str:
    """A free number that people would dial: valid by the numbering plan, and not among the reserved ones."""
    while True:
        start = rng.choice(starts)
        digits = start + "".join(rng.choices("0123456789", k=length - len(start)))
        stored = phone_e164(digits)
        if stored is not None and stored not in taken and not is_reserved(digits):
            return digits


def _mail(name: str, rng: random.Random) -> str:
    return f"{_letters(name, '.')}{rng.randrange(70, 100)}@{rng.choice(_MAIL_HOSTS)}"


def _letters(text: str, between: str = "") -> str:
    return between.join(fold(text).split())
