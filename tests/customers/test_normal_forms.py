"""Equal pages, accounts and shops have equal normal forms, however they were copied."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.customers import normal_forms, rules
from app.customers.models import CONTACT_LENGTH, ContactKind


@pytest.mark.parametrize(
    "typed",
    ["https://www.facebook.com/pho.sen/", "m.facebook.com/Pho.Sen?ref=1", "fb.com/pho.sen", "FB: pho.sen", "@pho.sen",
     "https://m.me/pho.sen", "https://vi-vn.facebook.com/pho.sen#x", "facebook.com/t/pho.sen", "pho.sen"],
)  # fmt: skip
def test_a_facebook_page_has_one_form(typed):
    assert normal_forms.facebook_form(typed) == "facebook.com/pho.sen"


def test_profiles_without_a_name_differ_by_their_number():
    assert normal_forms.facebook_form("facebook.com/profile.php?id=100012345&ref=x") == "facebook.com/100012345"
    assert normal_forms.facebook_form("https://www.facebook.com/people/Lan-N/100012345/") == "facebook.com/100012345"
    assert normal_forms.facebook_form("Nguyễn  LAN") == "nguyễn lan"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("zalo.me/0912345678", "+84912345678"), ("Zalo: 0168 123 4567", "+84381234567"),
     ("https://zalo.me/PhoSen", "phosen"), ("Lan Phở Sen", "lan phở sen")],
)  # fmt: skip
def test_a_zalo_account_is_its_number_or_its_name(typed, stored):
    assert rules.read_contact(ContactKind.zalo, typed).value == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("https://shopee.vn/phosen.official?x=1", "shopee:phosen.official"), ("shopee.vn/shop/123456", "shopee:123456"),
     ("Shopee: PhoSen", "shopee:phosen"), ("https://www.tiktok.com/@phosen", "tiktok:phosen"),
     ("TikTok Shop: @phosen", "tiktok:phosen"), ("lazada.vn/shop/pho-sen/", "lazada:pho-sen"),
     ("https://tiki.vn/cua-hang/pho-sen", "tiki:pho-sen"), ("Shop 24", "shop 24"), ("shopee.vn", "shopee.vn")],
)  # fmt: skip
def test_a_shop_is_its_market_and_its_name(typed, stored):
    assert rules.read_contact(ContactKind.shop_id, typed).value == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("HTTP://WWW.PhoSen.example:80/", "phosen.example"), ("phosen.example/thực-đơn/", "phosen.example/thực-đơn"),
     ("phosen.example/th%E1%BB%B1c-%C4%91%C6%A1n?utm=1", "phosen.example/thực-đơn"), ("a.example/%00", "a.example/%00"),
     ("http://[::1", "http://[::1"), ("//", "//")],
)  # fmt: skip
def test_a_page_has_one_form(typed, stored):
    assert normal_forms.website_form(typed) == stored


def test_an_address_copied_with_its_label_is_that_address():
    contact = rules.read_contact(ContactKind.email, "mailto:Lan@PhoSen.example")
    assert (contact.value, contact.shown) == ("lan@phosen.example", "Lan@PhoSen.example")


FORMS = [normal_forms.email_form, normal_forms.website_form, normal_forms.facebook_form, normal_forms.zalo_form,
         normal_forms.shop_form]  # fmt: skip
LINKS = st.text(max_size=60) | st.from_regex(
    r"(https?://)?(www\.|m\.)?[a-z.]{1,12}(/[a-z%0-9@.]{0,8}){0,3}/?", fullmatch=True
)


@given(st.sampled_from(FORMS), LINKS)
def test_any_text_has_a_form_that_holds_nothing_odd(form, line):
    line = "".join(line.split())
    if line and line.isprintable():
        assert form(line)
        assert form(line).isprintable()
        assert "\0" not in form(line)


@given(st.sampled_from([ContactKind.facebook, ContactKind.website, ContactKind.shop_id, ContactKind.zalo]), LINKS)
def test_whatever_is_kept_fits_its_column(kind, line):
    try:
        contact = rules.read_contact(kind, line)
    except rules.UnreadableError:
        return
    assert 0 < len(contact.value) <= CONTACT_LENGTH
