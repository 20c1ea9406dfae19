"""Catalogues are kept: entries come by the line, keep their code, are put in order, retired, and go only unused."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from app.catalogues import queries, services
from app.catalogues.models import CatalogueEntry, Colour
from app.core import uses
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError
from app.customers.services import change_customer, create_customer


def channel(session):
    return queries.catalogue_by_code(session, "channel")


def entry(session, code: str) -> CatalogueEntry:
    return session.scalars(queries.entries_of(channel(session)).where(CatalogueEntry.code == code)).one()


def codes(session) -> list[str]:
    return [one.code for one in queries.entries(session, "channel")]


def add(session, cast, pasted: str) -> list[str]:
    with transaction(cast.hoa) as inside:
        return [one.code for one in services.add_entries(inside, channel(inside), by=cast.hoa, pasted=pasted)]


@pytest.mark.both_databases
def test_several_lines_are_several_entries_behind_the_others(session, cast):
    before = codes(session)
    assert add(session, cast, "Báo Tuổi Trẻ | Newspaper\n\n  Đại lý \n") == ["bao-tuoi-tre", "dai-ly"]
    assert codes(session) == [*before, "bao-tuoi-tre", "dai-ly"]
    made = entry(session, "bao-tuoi-tre")
    assert (made.label_vi, made.label_en) == ("Báo Tuổi Trẻ", "Newspaper")


def test_labels_that_fold_alike_get_codes_of_their_own(session, cast):
    assert add(session, cast, "Lẻ\nLễ") == ["le", "le-2"]


@pytest.mark.parametrize("pasted", ["Hội nghị\nzalo", "Hội nghị\nHỘI NGHỊ"])
def test_a_label_that_is_there_refuses_all_lines(session, cast, pasted):
    with pytest.raises(InvalidInputError) as refused:
        add(session, cast, pasted)
    assert len(refused.value.fields["entries"]) == 1
    assert "hoi-nghi" not in codes(session)


@pytest.mark.parametrize("pasted", ["", " \n ", "x" * 81, "a\0b", "\n".join(f"Mục {n}" for n in range(101))])
def test_what_is_no_list_of_names_is_refused_beside_the_field(session, cast, pasted):
    with pytest.raises(InvalidInputError) as refused:
        add(session, cast, pasted)
    assert set(refused.value.fields) == {"entries"}


def test_an_entry_is_renamed_and_coloured_and_keeps_its_code(session, cast):
    with transaction(cast.hoa) as inside:
        row = entry(inside, "store")
        services.change_entry(inside, row, by=cast.hoa, rev=row.rev, label_vi="Quán", label_en="Shop", colour="rose")
    changed = next(one for one in queries.entries(session, "channel") if one.code == "store")
    assert (changed.label_vi, changed.label_en, changed.colour) == ("Quán", "Shop", Colour.rose)


@pytest.mark.parametrize(
    ("values", "key"),
    [({"label_vi": "ZALO"}, "label_vi"), ({"label_vi": " "}, "label_vi"), ({"colour": "pink"}, "colour")],
)
def test_a_name_of_another_entry_and_an_unknown_colour_are_refused(session, cast, values, key):
    with pytest.raises(InvalidInputError) as refused, transaction(cast.hoa) as inside:
        services.change_entry(inside, entry(inside, "store"), by=cast.hoa, rev=1, **values)
    assert set(refused.value.fields) == {key}


def test_a_change_on_an_older_revision_is_a_conflict(session, cast):
    with pytest.raises(ConflictError), transaction(cast.hoa) as inside:
        services.change_entry(inside, entry(inside, "store"), by=cast.hoa, rev=7, label_vi="Quán")


@pytest.mark.both_databases
def test_the_database_keeps_codes_and_channels_that_customers_came_through(session, cast):
    with transaction(cast.lan) as inside:
        create_customer(inside, by=cast.lan, name="Ánh", source="zalo")
    with pytest.raises(IntegrityError), transaction(SYSTEM) as inside:
        inside.execute(update(CatalogueEntry).where(CatalogueEntry.code == "zalo").values(code="zalo-2"))
    with pytest.raises(IntegrityError), transaction(SYSTEM) as inside:
        inside.execute(delete(CatalogueEntry).where(CatalogueEntry.code == "zalo"))


def test_a_used_entry_cannot_go_and_the_sentence_says_by_whom(session, cast):
    with transaction(cast.lan) as inside:
        for name in ("Ánh", "Bảo"):
            create_customer(inside, by=cast.lan, name=name, source="zalo")
    with pytest.raises(uses.InUseError) as refused, transaction(cast.hoa) as inside:
        services.delete_entry(inside, entry(inside, "zalo"), by=cast.hoa)
    assert "2 khách hàng" in str(refused.value)
    with transaction(cast.hoa) as inside:
        services.delete_entry(inside, entry(inside, "fair"), by=cast.hoa)
    assert "fair" not in codes(session)


def test_an_entry_of_another_catalogue_with_the_same_code_is_not_the_customers(session, cast):
    with transaction(cast.lan) as inside:
        create_customer(inside, by=cast.lan, name="Ánh", source="other")
    with transaction(cast.hoa) as inside:
        reason = queries.catalogue_by_code(inside, "reason")
        row = inside.scalars(queries.entries_of(reason).where(CatalogueEntry.code == "other")).one()
        services.delete_entry(inside, row, by=cast.hoa)


def test_a_retired_entry_is_offered_to_whoever_has_it_and_to_nobody_else(session, cast):
    with transaction(cast.lan) as inside:
        customer = create_customer(inside, by=cast.lan, name="Ánh", source="zalo")
    with transaction(cast.hoa) as inside:
        services.retire_entry(inside, entry(inside, "zalo"), by=cast.hoa)
    assert "zalo" not in dict(queries.offered(session, "channel"))
    assert dict(queries.offered(session, "channel", "zalo"))["zalo"] == "Zalo (ngừng dùng)"
    with transaction(cast.lan) as inside:
        change_customer(inside, customer, by=cast.lan, rev=customer.rev, source="zalo", note="gọi lại")
        with pytest.raises(InvalidInputError) as refused:
            create_customer(inside, by=cast.lan, name="Bảo", source="zalo")
    assert "facebook" in str(refused.value.fields["source"][0])
    with transaction(cast.hoa) as inside:
        services.bring_back_entry(inside, entry(inside, "zalo"), by=cast.hoa)
    assert "zalo" in dict(queries.offered(session, "channel"))


def test_entries_are_moved_by_one_place_and_arranged_at_once(session, cast):
    first, second, *rest = codes(session)
    with transaction(cast.hoa) as inside:
        services.move_entry(inside, entry(inside, second), by=cast.hoa, up=True)
    assert codes(session) == [second, first, *rest]
    turned = list(reversed(codes(session)))
    with transaction(cast.hoa) as inside:
        services.arrange_entries(inside, channel(inside), by=cast.hoa, codes=turned)
    assert codes(session) == turned
    with pytest.raises(ConflictError), transaction(cast.hoa) as inside:
        services.arrange_entries(inside, channel(inside), by=cast.hoa, codes=turned[1:])


def test_who_may_not_keep_catalogues_changes_nothing(session, cast):
    with pytest.raises(NotAllowedError), transaction(cast.lan) as inside:
        services.add_entries(inside, channel(inside), by=cast.lan, pasted="Mới")


def test_what_is_shipped_comes_once_and_stays_as_the_company_left_it(session, cast):
    with transaction(cast.hoa) as inside:
        services.delete_entry(inside, entry(inside, "fair"), by=cast.hoa)
    with transaction(SYSTEM) as inside:
        services.ensure_catalogues(inside)
    assert "fair" not in codes(session)
    assert len(session.scalars(select(CatalogueEntry.id)).all()) > 20
