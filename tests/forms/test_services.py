from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import SYSTEM, visible
from app.core.errors import ConflictError, InvalidInputError, NotAllowedError
from app.core.i18n import in_language
from app.customers.models import TimelineEntry
from app.customers.services import CustomerArchivedError, archive_customer, create_customer
from app.forms import displays, library, queries, rules, services
from app.forms.fields.base import Context
from app.forms.models import Form, FormVersion, Submission, SubmissionValue, VersionState
from app.forms.rules import Answers

CONTEXT = Context()
NINE = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def drawn(*fields: dict, name="Phiếu thử") -> dict:
    return {"name": name, "fields": list(fields)}


NOTE = {"key": "note", "type": "text", "label": {"vi": "Ghi chú", "en": "Note"}, "searchable": True}
AMOUNT = {"key": "amount", "type": "money", "label": "Số tiền", "required": True, "searchable": True}


def a_published_form(session, *fields: dict, code="thu", by=SYSTEM) -> Form:
    form = services.create_form(session, code=code, name="Phiếu thử", by=by)
    services.save_draft(session, form, drawn(*fields), by=by)
    services.publish_form(session, form, by=by)
    return form


def published(session, form: Form) -> FormVersion:
    version = queries.published_version(session, form.code)
    assert version is not None
    return version


# Drawing


def test_a_new_form_begins_with_an_empty_draft(session, cast):
    form = services.create_form(session, code="khao-sat", name={"vi": "Khảo sát", "en": "Survey"}, by=cast.hoa)
    assert (form.code, form.name, form.rev) == ("khao-sat", "Khảo sát", 1)
    assert form.created_by_id == cast.hoa.user_id
    assert form.draft.definition == {"name": {"vi": "Khảo sát", "en": "Survey"}, "fields": []}
    assert queries.published_version(session, "khao-sat") is None


@pytest.mark.parametrize("code", ["", "Khao", "khảo-sát", "a b", "-a", "a-", "a--b", "1a", "a" * 61, "a\n", None, 5])
def test_a_misspelt_code_is_refused(session, code):
    with pytest.raises(InvalidInputError) as refused:
        services.create_form(session, code=code, name="x", by=SYSTEM)
    assert list(refused.value.fields) == ["code"]


def test_a_code_is_taken_once(session):
    services.create_form(session, code="thu", name="x", by=SYSTEM)
    with pytest.raises(InvalidInputError) as refused:
        services.create_form(session, code="thu", name="x", by=SYSTEM)
    assert list(refused.value.fields) == ["code"]


@pytest.mark.parametrize("name", ["", " ", None, 5, {}, {"fr": "x"}, {"vi": ""}, "x" * 201, "NUL\0", "\ud800"])
def test_a_name_that_cannot_be_kept_is_refused(session, name):
    with pytest.raises(InvalidInputError) as refused:
        services.create_form(session, code="thu", name=name, by=SYSTEM)
    assert refused.value.fields


def test_only_who_may_draw_forms_draws_them(session, cast):
    form = services.create_form(session, code="thu", name="x", by=cast.hoa)
    for forbidden in (
        lambda: services.create_form(session, code="khac", name="x", by=cast.lan),
        lambda: services.save_draft(session, form, drawn(NOTE), by=cast.lan),
        lambda: services.publish_form(session, form, by=cast.lan),
    ):
        with pytest.raises(NotAllowedError):
            forbidden()


def test_a_draft_may_be_unfinished_and_keeps_its_name(session):
    form = services.create_form(session, code="thu", name={"vi": "Phiếu", "en": "Slip"}, by=SYSTEM)
    draft = services.save_draft(session, form, {"fields": [{"type": "text"}]}, by=SYSTEM)
    assert draft.definition == {"name": {"vi": "Phiếu", "en": "Slip"}, "fields": [{"type": "text"}]}
    assert (draft.number, draft.state) == (1, VersionState.draft)


@pytest.mark.parametrize(
    "definition", [None, [], "x", {"name": "NUL\0"}, {"fields": float("nan")}, {"x": "y" * 600_000}]
)
def test_a_draft_that_cannot_be_kept_is_refused(session, definition):
    form = services.create_form(session, code="thu", name="x", by=SYSTEM)
    with pytest.raises(InvalidInputError):
        services.save_draft(session, form, definition, by=SYSTEM)


def test_of_two_who_change_one_draft_the_second_is_told_who_was_faster(session, cast):
    form = services.create_form(session, code="thu", name="x", by=cast.hoa)
    seen = form.draft.rev
    saved = services.save_draft(session, form, drawn(NOTE), by=cast.hoa, rev=seen)
    assert saved.rev > seen
    with pytest.raises(ConflictError) as refused:
        services.save_draft(session, form, drawn(AMOUNT), by=cast.hoa, rev=seen)
    assert "Hoa" in refused.value.details["by"]
    assert refused.value.details["rev"] == saved.rev
    assert saved.definition["fields"] == [NOTE]


def test_a_draft_begun_while_another_was_published_is_a_conflict(session):
    form = a_published_form(session, NOTE)
    services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM, rev=0)
    with pytest.raises(ConflictError):
        services.save_draft(session, form, drawn(NOTE), by=SYSTEM, rev=0)


# Publishing


def test_publishing_makes_the_draft_the_version_that_takes_answers(session, cast):
    form = services.create_form(session, code="thu", name="x", by=cast.hoa)
    services.save_draft(session, form, drawn(NOTE, name={"vi": "Tên mới", "en": "New"}), by=cast.hoa)
    with clock.at(NINE):
        version = services.publish_form(session, form, by=cast.hoa)
    assert (version.number, version.state) == (1, VersionState.published)
    assert (version.published_at, version.published_by_id) == (NINE, cast.hoa.user_id)
    assert (form.name, form.draft, form.active_version) == ("Tên mới", None, version)
    assert queries.version(session, version.id) is version


def republished(session, form: Form, *fields: dict) -> tuple[int, int]:
    services.save_draft(session, form, drawn(*fields), by=SYSTEM)
    version = services.publish_form(session, form, by=SYSTEM)
    return version.number, version.edition


def test_the_number_grows_when_the_meaning_changed_and_somebody_has_answered(session):
    form = a_published_form(session, NOTE)
    first = published(session, form)
    assert republished(session, form, NOTE, AMOUNT) == (1, 2)
    assert (first.number, first.edition, first.state) == (1, 1, VersionState.archived)
    services.submit(session, published(session, form), Answers({"amount": 1}), by=SYSTEM)
    assert republished(session, form, AMOUNT, {**NOTE, "label": "Khác", "help": "Ghi gì cũng được"}) == (1, 3)
    assert republished(session, form, AMOUNT) == (2, 1)
    assert republished(session, form, NOTE) == (2, 2)
    last = published(session, form)
    services.submit(session, first, Answers({"note": "Trễ"}), by=SYSTEM)
    assert (last.state, republished(session, form, NOTE, AMOUNT)) == (VersionState.published, (2, 3))
    places = [(one.number, one.edition) for one in session.scalars(queries.versions_of(form))]
    assert places == [(2, 3), (2, 2), (2, 1), (1, 3), (1, 2), (1, 1)]


def test_nobody_is_asked_what_is_retired_and_nothing_may_need_it(session):
    gone = {**AMOUNT, "retired": True}
    version = published(session, a_published_form(session, NOTE, gone))
    assert queries.json_schema(version)["properties"].keys() == {"note"}
    assert services.parse_answers(version, {"note": "Trễ"}, context=CONTEXT).values == {"note": "Trễ"}
    with pytest.raises(InvalidInputError) as refused:
        services.parse_answers(version, {"amount": 1}, context=CONTEXT)
    assert list(refused.value.fields) == ["amount"]
    twice = {"key": "twice", "type": "calculated", "label": "Gấp đôi", "formula": "amount * 2"}
    assert [one.code for one in rules.check_definition(drawn(gone, twice))] == ["dead_reference"]
    assert [one.code for one in rules.check_definition(drawn(gone))] == ["no_fields"]


def test_without_a_draft_there_is_nothing_to_publish(session):
    form = a_published_form(session, NOTE)
    with pytest.raises(services.NothingToPublishError):
        services.publish_form(session, form, by=SYSTEM)


def test_a_draft_with_problems_is_refused_with_all_of_them(session):
    form = services.create_form(session, code="thu", name="x", by=SYSTEM)
    services.save_draft(session, form, drawn({**NOTE, "key": "X"}, {**AMOUNT, "min": "a"}), by=SYSTEM)
    with pytest.raises(services.FormNotPublishableError) as refused:
        services.publish_form(session, form, by=SYSTEM)
    assert set(refused.value.fields) == {"fields[0].key", "fields[1].min"}
    assert [(one["path"], one["code"]) for one in refused.value.details["problems"]] == [
        ("fields[0].key", "bad_key"),
        ("fields[1].min", "bad_limit"),
    ]
    assert queries.published_version(session, "thu") is None


def test_an_empty_draft_cannot_be_published(session):
    form = services.create_form(session, code="thu", name="x", by=SYSTEM)
    with pytest.raises(services.FormNotPublishableError) as refused:
        services.publish_form(session, form, by=SYSTEM)
    assert set(refused.value.fields) == {"fields"}


@pytest.mark.parametrize("code", library.codes())
def test_shipped_forms_are_published_like_any_other(session, code):
    shipped = library.load(code)
    form = services.create_form(session, code=code, name=shipped["name"], by=SYSTEM)
    services.save_draft(session, form, shipped, by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)
    assert queries.json_schema(published(session, form))["title"] == shipped["name"]["vi"]


# A published version does not change

CHANGES = [
    {"definition": {"name": "x", "fields": []}},
    {"checksum": "0" * 64},
    {"number": 7},
    {"edition": 7},
    {"state": VersionState.draft},
    {"published_at": NINE},
    {"published_by_id": None},
    {"created_at": NINE},
    {"id": 99},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("state", ["published", "archived"])
def test_the_database_keeps_a_published_version_as_it_is(session, cast, change, state):
    form = a_published_form(session, NOTE, by=cast.hoa)
    version = published(session, form)
    if state == "archived":
        services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM)
        services.publish_form(session, form, by=SYSTEM)
    statement = update(FormVersion).where(FormVersion.id == version.id).values(change)
    with pytest.raises(IntegrityError, match="does not change"), session.begin_nested():
        session.execute(statement, execution_options={"synchronize_session": False})


def test_the_database_lets_no_archived_version_come_back(session):
    form = a_published_form(session, NOTE)
    first = published(session, form)
    services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)
    with pytest.raises(IntegrityError, match="does not change"), session.begin_nested():
        session.execute(text(f"UPDATE form_version SET state = 'published' WHERE id = {first.id}"))


def test_the_database_deletes_drafts_only(session):
    form = a_published_form(session, NOTE)
    services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM)
    with pytest.raises(IntegrityError, match="does not change"), session.begin_nested():
        session.execute(text("DELETE FROM form_version WHERE state = 'published'"))
    session.execute(text("DELETE FROM form_version WHERE state = 'draft'"))
    assert queries.draft_of(session, form) is None


@pytest.mark.parametrize("state", ["draft", "published"])
def test_a_form_has_one_draft_and_one_published_version(session, state):
    form = a_published_form(session, NOTE)
    services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM)
    columns = {"form_id": form.id, "number": 50, "definition": {}, "checksum": "0" * 64, "published_at": NINE}
    with pytest.raises(IntegrityError, match="form_id"), session.begin_nested():
        session.execute(insert(FormVersion).values(state=state, rev=1, **columns))


# Answering


def test_answers_are_kept_with_who_gave_them_about_what(session, cast):
    version = published(session, a_published_form(session, NOTE, AMOUNT))
    answers = services.parse_answers(version, {"note": "Trễ", "amount": "500.000"}, context=CONTEXT)
    with clock.at(NINE):
        submission = services.submit(session, version, answers, by=cast.lan, subject_type="task", subject_id=17)
    session.expire_all()
    kept = session.scalars(queries.submissions_about("task", 17)).one()
    assert kept.id == submission.id
    assert kept.answers == {"note": "Trễ", "amount": 500000}
    assert (kept.form_version_id, kept.created_by_id, kept.created_at) == (version.id, cast.lan.user_id, NINE)
    assert kept.team_id == cast.lan.primary_team_id


def test_a_draft_takes_no_answers(session):
    form = services.create_form(session, code="thu", name="x", by=SYSTEM)
    draft = services.save_draft(session, form, drawn(NOTE), by=SYSTEM)
    with pytest.raises(services.FormNotPublishedError):
        services.parse_answers(draft, {}, context=CONTEXT)
    with pytest.raises(services.FormNotPublishedError):
        services.submit(session, draft, services.Answers({}), by=SYSTEM)


def test_an_archived_version_still_takes_the_answers_of_what_runs_under_it(session):
    form = a_published_form(session, NOTE)
    first = published(session, form)
    services.save_draft(session, form, drawn(AMOUNT), by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)
    answers = services.parse_answers(first, {"note": "cũ"}, context=CONTEXT)
    assert services.submit(session, first, answers, by=SYSTEM).version is first


def test_old_answers_are_shown_as_they_were_given(session):
    colour = {"key": "colour", "type": "choice", "label": "Màu", "options": [{"value": "r", "label": "Đỏ"}]}
    form = a_published_form(session, NOTE, AMOUNT, colour)
    version = published(session, form)
    answers = services.parse_answers(version, {"note": "Trễ", "amount": 1, "colour": "r"}, context=CONTEXT)
    submission = services.submit(session, version, answers, by=SYSTEM)
    for fields in ([{**AMOUNT, "label": "Khác"}], [{**NOTE, "type": "phone", "label": "Số"}]):
        services.save_draft(session, form, drawn(*fields), by=SYSTEM)
        services.publish_form(session, form, by=SYSTEM)
    session.expire_all()
    assert published(session, form).number == 2
    assert displays.shown_answers(submission) == [("Ghi chú", "Trễ"), ("Số tiền", "1\u00a0₫"), ("Màu", "Đỏ")]
    with in_language("en"):
        assert displays.shown_answers(submission)[0].label == "Note"


def test_what_was_left_empty_shows_empty(session):
    version = published(session, a_published_form(session, NOTE, AMOUNT))
    answers = services.parse_answers(version, {"note": " ", "amount": 0}, context=CONTEXT)
    submission = services.submit(session, version, answers, by=SYSTEM)
    assert submission.answers == {"amount": 0}
    assert displays.shown_answers(submission) == [("Ghi chú", ""), ("Số tiền", "0\u00a0₫")]


def test_searchable_answers_are_kept_as_what_they_are(session):
    day = {"key": "day", "type": "date", "label": "Ngày", "searchable": True}
    done = {"key": "done", "type": "yes_no", "label": "Xong", "searchable": True}
    quiet = {"key": "quiet", "type": "text", "label": "Riêng"}
    version = published(session, a_published_form(session, NOTE, AMOUNT, day, done, quiet))
    raw = {"note": "a", "amount": 9_000_000_000, "day": "22/11/2026", "done": True, "quiet": "b"}
    services.submit(session, version, services.parse_answers(version, raw, context=CONTEXT), by=SYSTEM)
    rows = {row.field_key: (row.text, row.number, row.date) for row in session.scalars(select(SubmissionValue))}
    assert rows == {
        "note": ("a", None, None),
        "amount": (None, 9_000_000_000.0, None),
        "day": (None, None, date(2026, 11, 22)),
        "done": (None, 1.0, None),
    }
    more = select(SubmissionValue.field_key).where(SubmissionValue.number > 10_000)
    assert session.scalars(more).all() == ["amount"]


def test_a_customers_timeline_tells_of_a_form_filled_for_him_alone(session, cast):
    version = published(session, a_published_form(session, NOTE))
    customer = create_customer(session, by=cast.lan, name="Nguyễn Văn An", phone="0912 345 600")
    answers = services.Answers({"note": "x"})
    alone = services.submit(session, version, answers, by=cast.lan, customer_id=customer.id)
    services.submit(session, version, answers, by=cast.lan, customer_id=customer.id, subject_type="task", subject_id=1)
    entry = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "form_submitted")).one()
    assert (entry.customer_id, entry.subject_type, entry.subject_id) == (customer.id, "submission", alone.id)
    assert entry.data == {"form": "Phiếu thử"}


def test_half_a_subject_is_refused_by_the_database(session):
    version = published(session, a_published_form(session, NOTE))
    with pytest.raises(IntegrityError, match="subject_whole"), session.begin_nested():
        services.submit(session, version, services.Answers({}), by=SYSTEM, subject_type="task")


def test_staff_see_their_own_submissions(session, cast):
    version = published(session, a_published_form(session, NOTE))
    for who in (cast.lan, cast.hoa):
        services.submit(session, version, services.Answers({"note": who.username}), by=who)

    def seen(who):
        return {row.answers["note"] for row in session.scalars(select(Submission).where(visible(Submission, who)))}

    assert seen(cast.lan) == {"lan"}
    assert seen(cast.hoa) == {"lan", "hoa"}


def test_a_form_is_not_filled_in_about_an_archived_customer_but_work_under_way_goes_on(session, cast):
    version = published(session, a_published_form(session, NOTE))
    customer = create_customer(session, by=cast.lan, name="Nguyễn Văn An", phone="0912 345 600")
    archive_customer(session, customer, by=cast.minh)
    answers = services.Answers({"note": "x"})
    with pytest.raises(CustomerArchivedError):
        services.submit(session, version, answers, by=cast.lan, customer_id=customer.id)
    assert session.scalars(select(Submission)).all() == []
    services.submit(session, version, answers, by=cast.lan, customer_id=customer.id, subject_type="task", subject_id=1)


@pytest.mark.both_databases
def test_an_answer_that_is_wanted_once_is_taken_once(session, cast):
    lan, bao = (create_customer(session, name=name, by=cast.lan).id for name in ("Chị Lan", "Anh Bảo"))
    # How it is written is one thing, that it was given before another: that sentence would lead nowhere.
    order = {"key": "order", "type": "text", "label": "Mã đơn", "unique": "form", "pattern": "PS-[0-9]",
             "message": "Viết như PS-1."}  # fmt: skip
    card = {"key": "card", "type": "phone", "label": "Số thẻ", "unique": "customer", "message": "Khách đã gửi số này."}
    form = a_published_form(session, order, card)

    def send(order: str, card: str, customer: int | None = None, **about: object) -> list[str]:
        version = published(session, form)
        answers = services.parse_answers(version, {"order": order, "card": card}, context=CONTEXT)
        try:
            services.submit(session, version, answers, by=cast.lan, customer_id=customer, **about)
        except InvalidInputError as refused:
            return [str(told) for sentences in refused.fields.values() for told in sentences]
        return []

    assert send("PS-1", "0912345678", lan) == []
    assert send("PS-2", "0912345678", bao) == send("PS-3", "0912345678") == []
    assert send("PS-4", "0912 345 678", lan) == ["Khách đã gửi số này."]
    assert send("PS-1", "0912345679", bao) == ["Câu trả lời này đã có ở phiếu khác, không nhận trùng."]
    # Under the next version it still counts; what was returned is answered again.
    services.save_draft(session, form, drawn({**order, "required": True}, card), by=SYSTEM)
    services.publish_form(session, form, by=SYSTEM)
    assert len(send("PS-1", "")) == 1
    assert send("PS-5", "", subject_type="task", subject_id=7) == []
    assert send("PS-5", "", subject_type="task", subject_id=7) == []
    assert len(send("PS-5", "", subject_type="task", subject_id=8)) == 1
