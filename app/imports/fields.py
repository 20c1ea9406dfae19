"""Which columns can a file have, how do people call them, and which one is meant by a heading? Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.core import guarded
from app.core.access import Actor
from app.core.db import db
from app.core.errors import Sentence
from app.core.i18n import _
from app.core.screens import extra
from app.core.vietnamese import fold
from app.customers.labels import FIELD_LABELS
from app.imports.models import ImportTarget

_PLAIN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class ImportField:
    """Something that a column can hold. `words`: how people head it, without accents and signs."""

    key: str
    label: Any
    words: tuple[str, ...] = ()
    #: several columns may hold it
    several: bool = False
    #: the field of a customer under whose right it falls; "": none
    falls_under: str = ""


def plain(text: str) -> str:
    """By what headings are compared: "Số điện thoại (*)" → "sodienthoai"."""
    return _PLAIN.sub("", fold(text))


def _field(key: str, label: Any, words: str = "", *, several: bool = False, under: str | None = None) -> ImportField:
    return ImportField(key, label, tuple(words.split()), several, guarded.key_of(key) if under is None else under)


#: by any of these a row tells which customer it is about
CODE, PHONE, EMAIL, TAX_CODE = "code", "phone", "email", "tax_code"
DO_NOT_CONTACT = "do_not_contact"
#: what headings of a consent look like
_CONSENT = re.compile(r"dongy(?!kien)|chapthuan|consent|optin|chophepgui|nhanquangcao|nhantinquangcao")
#: how the heading of a column of customers may end: SĐT khách, Tên KH
_OF_CUSTOMER = re.compile(r"(?:cua)?(?:khachhang|khach|kh)$")
_PHONE_WORDS = (
    "dienthoai sodienthoai sdt dt didong sodidong dienthoaididong dienthoaiban sodt sdtkhachhang sdtkhach sdtkh "
    "dienthoaikhach dienthoaikhachhang sodienthoaikhach sodienthoaikhachhang phone phonenumber "
    "mobile mobilephone tel telephone hotline dienthoai1 dienthoai2 sdt1 sdt2 phone1 phone2"
)
_EMAIL_WORDS = "email thudientu diachiemail mail emailaddress emailkhachhang email1 email2"
_TAX_WORDS = "mst masothue taxcode vat vatnumber taxid"
_CODE_WORDS = "makhachhang makhach makh ma idkhachhang customercode customerid code"

CUSTOMER_FIELDS: Sequence[ImportField] = (
    _field("name", _("Full name"), "ten hoten hovaten hotenkhachhang tenkhachhang tenkh khachhang hotenkh tencongty "
           "tendoanhnghiep name fullname customer customername company companyname", under=""),
    _field("family_name", _("Family name"), "ho hovatendem hodem hovadem familyname lastname surname", under=""),
    _field("given_name", _("Given name alone"), "tengoi tenrieng givenname firstname", under=""),
    _field(CODE, _("Customer code"), _CODE_WORDS, under=""),
    _field("kind", _("Person or company"), "loai loaikhachhang loaikh canhancongty kind customertype type", under=""),
    _field(PHONE, _("Phone number"), _PHONE_WORDS, several=True),
    _field(EMAIL, _("E-mail"), _EMAIL_WORDS, several=True),
    _field("zalo", _("Zalo"), "zalo sozalo zaloid", several=True, under="phone"),
    _field("facebook", _("Facebook"), "facebook fb linkfacebook fanpage", several=True, under=""),
    _field("website", _("Website"), "website web trangweb diachiweb url", several=True, under=""),
    _field("shop_id", _("Shop account"), "shop gianhang shopee lazada tiki tiktokshop shopid idshop", several=True,
           under=""),
    _field("honorific", FIELD_LABELS["honorific"], "xungho danhxung cachxungho honorific title salutation"),
    _field("gender", FIELD_LABELS["gender"], "gioitinh phai gender sex"),
    _field("birthday", FIELD_LABELS["birthday"], "ngaysinh sinhnhat ngaythangnamsinh namsinh birthday dateofbirth dob "
           "birthdate"),
    _field(TAX_CODE, FIELD_LABELS["tax_code"], _TAX_WORDS),
    _field("id_number", FIELD_LABELS["id_number"], "cccd socccd cancuoc cancuoccongdan idnumber "
           "nationalid"),
    _field("company", FIELD_LABELS["company_id"], "noilamviec donvicongtac coquan lamviectai worksat employer"),
    _field("job_title", FIELD_LABELS["job_title"], "chucvu chucdanh vitri jobtitle position"),
    _field("street", FIELD_LABELS["street"], "diachi sonha duong sonhaduong diachinha address street"),
    _field("ward", FIELD_LABELS["ward_code"], "phuong xa phuongxa xaphuong ward commune", under="address"),
    _field("province", FIELD_LABELS["province_code"], "tinh thanhpho tinhthanh tinhthanhpho tp province city",
           under="address"),
    _field("old_address", FIELD_LABELS["old_address"], "diachicu oldaddress"),
    _field("source", _("Came through"), "nguon nguonkhach nguonkhachhang kenh source channel leadsource"),
    _field("touchpoint", FIELD_LABELS["touchpoint"], "diemcham diemtiepxuc touchpoint"),
    _field("tier", FIELD_LABELS["tier"], "hang hanggiatri hangkhach hangkhachhang phanhang capdo tier rank"),
    _field("behaviour", FIELD_LABELS["behaviour"], "nhomhanhvi hanhvi behaviour"),
    _field("stage", FIELD_LABELS["stage"], "giaidoan trangthai tinhtrang stage status"),
    _field("next_contact_on", FIELD_LABELS["next_contact_on"], "lienhelai ngaylienhe henlienhe ngayhen ngaylienhetiep "
           "nextcontact followup"),
    _field(DO_NOT_CONTACT, FIELD_LABELS["do_not_contact"], "khonglienhe khonglienlac khonggoi "
           "khongduoclienhe hanchelienhe dnc donotcontact donotcall optout"),
    _field("do_not_contact_reason", FIELD_LABELS["do_not_contact_reason"], "lydokhonglienhe lydokhonglienlac"),
    _field("tags", _("Tags"), "nhan the tag tags label labels", several=True, under=""),
    _field("note", _("Note"), "ghichu chuthich mota note notes comment remark description"),
    _field("owner", _("Person in charge"), "nguoiphutrach phutrach nhanvien nhanvienphutrach nvphutrach sale owner "
           "assignedto salesperson"),
)  # fmt: skip

#: by these purchases and contacts name their customer
_TELLING = (CODE, PHONE, EMAIL, TAX_CODE)
_WHOSE: Sequence[ImportField] = (
    _field(CODE, _("Customer code"), _CODE_WORDS, under=""),
    _field(PHONE, _("Phone number"), _PHONE_WORDS),
    _field(EMAIL, _("E-mail"), _EMAIL_WORDS),
    _field(TAX_CODE, FIELD_LABELS["tax_code"], _TAX_WORDS),
)

PURCHASE_FIELDS: Sequence[ImportField] = (
    *_WHOSE,
    _field("bought_on", _("Bought on"), "ngay ngaymua ngaydat ngaydathang ngayban ngayhoadon date orderdate boughton "
           "purchasedate", under=""),
    _field("order", _("Order or invoice"), "madon madonhang donhang sodonhang sodon hoadon sohoadon mahoadon order "
           "orderid ordernumber invoice invoicenumber", under=""),
    _field("product", _("Product or service"), "sanpham tensanpham hang hanghoa tenhang dichvu tendichvu mathang "
           "product productname item service", under=""),
    _field("quantity", _("Quantity"), "soluong sl quantity qty", under=""),
    _field("amount", _("Amount"), "thanhtien sotien tongtien giatri doanhthu tien amount total price "
           "revenue", under="bought"),
    _field("note", _("Note"), "ghichu chuthich mota note notes remark description", under="bought"),
)  # fmt: skip

INTERACTION_FIELDS: Sequence[ImportField] = (
    *_WHOSE,
    _field("at", _("When"), "ngay ngaygio thoigian luc ngaylienhe date datetime time when at", under=""),
    _field("time", _("Time of day"), "gio timeofday", under=""),
    _field("kind", _("Kind"), "loai hinhthuc loailienhe kieu kind type", under=""),
    _field("direction", _("Direction"), "chieu huong chieugoi direction", under=""),
    _field("channel", _("Channel"), "kenh kenhlienhe channel", under=""),
    _field("result", _("How the call ended"), "ketqua ketquacuocgoi result outcome", under=""),
    _field("text", _("What was said"), "noidung ghichu mota traodoi text content note notes description summary",
           under="said"),
    _field("next_on", FIELD_LABELS["next_contact_on"], "henlai ngayhen lienhelai ngaylienhetiep next nextcontact "
           "followup", under=""),
)  # fmt: skip

FIELDS: Mapping[ImportTarget, Sequence[ImportField]] = {
    ImportTarget.customers: CUSTOMER_FIELDS,
    ImportTarget.purchases: PURCHASE_FIELDS,
    ImportTarget.interactions: INTERACTION_FIELDS,
}
#: of these groups at least one column has to be there
NEEDED: Mapping[ImportTarget, Sequence[tuple[str, ...]]] = {
    ImportTarget.customers: (("name", "family_name", "given_name", CODE),),
    ImportTarget.purchases: ((CODE, PHONE, EMAIL, TAX_CODE), ("bought_on",), ("product",), ("amount",)),
    ImportTarget.interactions: ((CODE, PHONE, EMAIL, TAX_CODE), ("at",)),
}


def known(target: ImportTarget) -> Sequence[ImportField]:
    """All of them, with those that the company added to customers."""
    if target is not ImportTarget.customers:
        return FIELDS[target]
    added = extra.fields_of("Customer").values()
    return [*FIELDS[target], *(ImportField(one.key, one.label, (plain(str(one.label)),)) for one in added)]


def fields_for(who: Actor, target: ImportTarget) -> Iterator[ImportField]:
    """Those that this person may write. Whom a row is about anybody may say; who looks after him, who may assign."""
    added = extra.extra_of("Customer")
    own = added.texts(db.session(), who) if added is not None and target is ImportTarget.customers else {}
    for one in known(target):
        if one.key.startswith(extra.PREFIX):
            if one.key in own:
                yield one
            continue
        if one.key == "owner" and not who.may("assign", "Customer"):
            continue
        if not one.falls_under:
            yield one
        elif target is not ImportTarget.customers and one.key in _TELLING:
            if who.reads("Customer", one.falls_under):
                yield one
        elif who.writes("Customer", one.falls_under, is_new=True):
            yield one


def lacking(who: Actor, target: ImportTarget, mapping: Sequence[str]) -> list[Any]:
    """Labels of what the company asks of every customer, and no column of the file holds."""
    added = extra.extra_of("Customer") if target is ImportTarget.customers else None
    texts = added.texts(db.session(), who) if added is not None else {}
    return [one.label for key, one in texts.items() if one.is_required and key not in mapping]


def told_before(
    headings: Sequence[str], matches: Iterable[tuple[Sequence[str], Sequence[str]]]
) -> dict[str, str]:  # fmt: skip
    """Plain heading → its field in the newest of these files that has one for it. `matches`: (headings, fields).

    "": left out, in a file all of whose columns are here again; in another one it may have stood beside a better one.
    """
    here, told = set(map(plain, headings)), dict[str, str]()
    for earlier, mapping in matches:
        words = list(map(plain, earlier))
        for word, key in sorted(zip(words, mapping, strict=False), key=lambda one: not one[1]):
            if word and (key or here.issuperset(words)):
                told.setdefault(word, key)
    return told


def guess(
    target: ImportTarget, headings: Sequence[str], allowed: Sequence[ImportField],
    told: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:  # fmt: skip
    """For every column the key of the field that its heading means, "" where none does or another column has it.

    `told`: plain heading → key, where somebody has said it.
    """
    keys = {one.key for one in allowed}
    meant: dict[str, str] = {}
    # What the company itself calls so is meant before any word of ours.
    for one in sorted(known(target), key=lambda one: not one.key.startswith(extra.PREFIX)):
        for word in (plain(str(one.label)), *one.words):
            meant.setdefault(word, one.key)
    repeated = {one.key for one in allowed if one.several}
    taken: set[str] = set()
    mapping = []
    for heading in headings:
        word = plain(heading)
        bare = word.rstrip("0123456789")
        # Of a customer all columns of customers are.
        short = _OF_CUSTOMER.sub("", bare) if target is ImportTarget.customers else bare
        key = told[word] if word in told else meant.get(word) or meant.get(bare) or meant.get(short, "")
        if key not in keys or (key in taken and key not in repeated):
            key = ""
        taken.add(key)
        mapping.append(key)
    return mapping


def why_not(target: ImportTarget, heading: str) -> Sentence | None:
    """Why a column like this one is none that can be brought in."""
    if target is ImportTarget.customers and _CONSENT.search(plain(heading)):
        return _("Consent is not brought in from a file: each one needs its own proof. Write it down on the customer's "
                 "page.")  # fmt: skip
    return None


def header_key(target: ImportTarget, headings: Sequence[str]) -> str:
    """The same for files of the same columns in the same order."""
    words = "\n".join([str(target), *map(plain, headings)])
    return hashlib.sha256(words.encode()).hexdigest()
