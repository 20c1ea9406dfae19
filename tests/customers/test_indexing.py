"""A customer is found by his tags and by where he works, whatever these are called today."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import jobs
from app.core.access import SYSTEM, Actor
from app.core.db import transaction
from app.customers import indexing, search, services, tags
from app.customers.models import ContactKind, Customer, CustomerKind
from app.customers.profile_models import Tag


def names(session: Session, typed: str, who: Actor = SYSTEM) -> list[str]:
    listed = [one.name for one in session.scalars(search.found(typed, who))]
    offered = [hit.title for hit in search.find_customers(session, who, typed, 20)]
    assert listed == offered
    return listed


@pytest.fixture
def mai(session, cast):
    """Mai of Phở Sen, whom Lan looks after; so does she after the company."""
    company = services.create_customer(session, by=cast.lan, name="Công ty Phở Sen", kind=CustomerKind.company)
    mai = services.create_customer(session, by=cast.lan, name="Trần Thị Mai", phone="0912 345 678", company=company)
    tags.set_tags(session, mai, ["khách VIP", "tết"], by=cast.lan)
    return mai


@pytest.mark.both_databases
def test_by_tag_by_company_and_by_any_account_together_with_the_name(session, mai):
    for kind, text in (
        (ContactKind.zalo, "zalo.me/maisen"), (ContactKind.shop_id, "https://shopee.vn/phosen-hanoi"),
        (ContactKind.facebook, "fb.com/mai.tran"),
    ):  # fmt: skip
        services.add_contact_point(session, mai, by=SYSTEM, kind=kind, text=text)
    for typed in ("khach vip", "mai tết", "VIP mai", "mai pho sen", "maisen", "phosen", "mai.tran", "5678 vip"):
        assert names(session, typed) == ["Trần Thị Mai"], typed
    assert names(session, "cong ty") == ["Công ty Phở Sen", "Trần Thị Mai"]
    assert names(session, "mai le") == []


@pytest.mark.both_databases
def test_another_name_of_the_tag_or_of_the_company_is_known_at_once(session, mai, cast):
    rev, company = mai.rev, mai.company
    tag = session.scalars(select(Tag).where(Tag.name == "tết")).one()
    tags.change_tag(session, tag, by=cast.hoa, name="Trung thu")
    assert (names(session, "trung thu"), names(session, "tết")) == (["Trần Thị Mai"], [])
    services.change_customer(session, company, by=cast.lan, rev=company.rev, name="Bún Hạ")
    assert names(session, "mai bun") == ["Trần Thị Mai"]
    assert names(session, "pho") == []
    tags.set_tags(session, mai, [], by=cast.lan)
    assert names(session, "vip") == []
    services.change_customer(session, mai, by=cast.lan, rev=rev, company=None)
    assert names(session, "mai bun") == []


def test_many_who_follow_one_name_are_done_by_the_worker_and_not_changed_by_it(session, mai, cast, monkeypatch):
    monkeypatch.setattr(indexing, "MOST", 1)
    monkeypatch.setattr(indexing.refresh, "__defaults__", (1,))
    for name in ("An", "Bình"):
        services.create_customer(session, by=cast.lan, name=name, company=mai.company)
    services.change_customer(session, mai.company, by=cast.lan, rev=mai.company.rev, name="Bún Hạ")
    before = session.execute(select(Customer.id, Customer.rev, Customer.updated_at)).all()
    assert len(names(session, "bun")) == 2
    session.commit()
    jobs.renew_search_words()
    jobs.renew_search_words()
    with transaction() as again:
        assert names(again, "bun") == ["An", "Bình", "Bún Hạ", "Trần Thị Mai"]
        assert again.execute(select(Customer.id, Customer.rev, Customer.updated_at)).all() == before


def test_customers_from_before_get_their_words_by_the_worker(session, mai):
    session.execute(update(Customer).values(search_text="mai", search_is_stale=True))
    session.commit()
    jobs.renew_search_words()
    with transaction() as again:
        assert names(again, "vip") == names(again, "0912 345 678") == ["Trần Thị Mai"]


def test_nobody_is_found_by_a_company_whose_name_may_not_be_read(session, mai, cast):
    session.execute(update(Customer).where(Customer.id == mai.id).values(team_id=cast.tuan.primary_team_id))
    session.expire_all()
    for typed in ("mai", "vip", "5678"):
        assert names(session, typed, cast.tuan) == ["Trần Thị Mai"], typed
    for typed in ("pho", "mai sen", "cong ty"):
        assert names(session, typed, cast.tuan) == [], typed
        assert "Trần Thị Mai" in names(session, typed, cast.lan)
    assert session.scalars(search.found_ids("mai sen", cast.tuan)).all() == []
