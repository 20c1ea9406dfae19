from __future__ import annotations

from sqlalchemy import select

from app.core.access import SYSTEM, visible
from app.core.db import LARGEST_ID
from app.customers import services as customers
from app.forms import queries, services
from app.forms.fields import TYPES
from app.forms.fields.base import FieldSpec
from app.forms.models import Form

WHO = FieldSpec("who", "customer", "Khách")


def test_a_customer_field_takes_those_whom_the_actor_may_see(session, cast):
    hers = customers.create_customer(session, by=cast.lan, name="Nguyễn Văn An", phone="0912 345 600")
    other = customers.create_customer(session, by=SYSTEM, name="Trần Thị Bích")
    for_lan, for_hoa = queries.context_for(session, cast.lan), queries.context_for(session, cast.hoa)
    kind = TYPES["customer"]
    assert kind.parse(str(hers.id), WHO, for_lan).value == hers.id
    assert kind.show(hers.id, WHO, for_lan) == "Nguyễn Văn An"
    assert kind.parse(other.id, WHO, for_lan).problems
    assert "Bích" not in kind.show(other.id, WHO, for_lan)
    assert kind.parse(other.id, WHO, for_hoa).value == other.id
    assert kind.parse(LARGEST_ID, WHO, for_hoa).problems


def test_a_form_is_found_by_its_code(session):
    form = services.create_form(session, code="thu", name="Thử", by=SYSTEM)
    assert queries.form_by_code(session, "thu") is form
    assert queries.form_by_code(session, "khac") is None
    assert queries.version(session, LARGEST_ID) is None


def test_forms_are_seen_by_who_may_view_them(session, cast):
    services.create_form(session, code="thu", name="Thử", by=cast.hoa)
    assert session.scalars(select(Form).where(visible(Form, cast.hoa))).all()
