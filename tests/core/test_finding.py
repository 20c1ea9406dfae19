"""What is typed finds what its typist may see, by words without accents, phones and codes. No text does harm."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app.core import finding
from app.core.db import db, transaction
from app.core.finding import Finder, Hit, Suggestion
from app.customers.models import Customer
from app.customers.services import archive_customer, create_customer
from app.views import FINDERS

# ── words ──


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("nhan su", "Nhân sự"),
        ("duc", "Ưng Hoàng Đức"),
        ("ĐỨC ung", "Ưng Hoàng Đức"),
        ("  giao  ch ", "Giao hàng chậm, HS-000012"),
        ("hs 12", "HS-12"),
    ],
)
def test_every_typed_word_begins_a_word_of_the_text(typed, text):
    assert finding.matches(typed, text)


@pytest.mark.parametrize("typed", ["", "  ", "%", "_", "'", "\"' OR 1=1", "uc", "duc an", "ung ung2"])
def test_other_words_and_mere_signs_match_nothing(typed):
    assert not finding.matches(typed, "Ưng Hoàng Đức")


def test_words_of_several_texts_count_together():
    assert finding.matches("duyen giao", "Giao hàng chậm", None, "Đặng Thị Mỹ Duyên")


# ── the protocol ──


def numbered(resource="Customer", count=9, exact=False, **more):
    """A finder of things that are called by their numbers and match everything."""

    def find(_session, _who, _text, limit):
        return [Hit(number, str(number), "", f"/{number}", exact) for number in range(1, count + 1)][:limit]

    def named(_session, _who, ids):
        return [Hit(number, str(number), "", f"/{number}") for number in sorted(ids) if number <= count]

    return Finder(resource, resource, "user", find, named, **more)


def test_a_kind_shows_no_more_than_is_asked_for(session, cast):
    (found,) = finding.find([numbered()], session, cast.lan, "x", each=5)
    assert len(found.hits) == 5


def test_kinds_without_the_right_are_not_even_asked(session, cast):
    def never(*_given):
        pytest.fail("asked in spite of the missing right")

    secret = Finder("Outbox", "Mail", "mail", never, never)
    assert finding.find([secret], session, cast.lan, "x", each=5) == []
    assert finding.recent([secret], session, cast.lan, ["outbox:1"]) == []


def test_what_names_nothing_may_suggest_something(session, cast):
    add = Suggestion("Add", "/add", "plus")
    kind = lambda **more: numbered(instead=lambda _who, _text: add, **more)  # noqa: E731
    (found,) = finding.find([kind(count=0)], session, cast.lan, "x", each=5)
    assert (found.hits, found.suggestion) == ((), add)
    (found,) = finding.find([kind(count=1)], session, cast.lan, "x", each=5)
    assert (len(found.hits), found.suggestion) == (1, add)
    (found,) = finding.find([kind(count=1, exact=True)], session, cast.lan, "x", each=5)
    assert found.suggestion is None


def test_whoever_types_a_number_means_who_has_it_and_the_other_kinds_are_asked_only_for_nobodys(session, cast):
    def kinds(count):
        finders = [numbered("Task"), numbered("Customer", count=count, by_phone=True)]
        found = finding.find(finders, session, cast.lan, "chị Lan 0912 345 678 hỏi hàng", each=5)
        return [one.finder.kind for one in found]

    assert kinds(count=1) == ["customer"]
    assert kinds(count=0) == ["task"]


def test_recent_records_come_in_the_order_of_their_keys_and_once(session, cast):
    keys = ["task:2", "customer:7", "customer:3", "task:2", "customer:99"]
    shown = finding.recent([numbered(), numbered("Task")], session, cast.lan, keys)
    assert [(key, hit.id) for key, _finder, hit in shown] == [("task:2", 2), ("customer:7", 7), ("customer:3", 3)]


STRANGE = [
    "", "customer", "customer:", "customer:0", "customer:-1", "customer:1e3", "customer:٣", "customer:2147483648",
    "customer:99999999999999999999", "nothing:1", "Customer:1", "customer:1:2", "customer:1 OR 1=1", "x" * 9999,
]  # fmt: skip


@pytest.mark.parametrize("key", STRANGE)
def test_a_key_that_is_none_is_passed_over(session, cast, key):
    shown = finding.recent([numbered()], session, cast.lan, [key, "customer:1"])
    assert [told for told, _finder, _hit in shown] == ["customer:1"]


def test_only_so_many_keys_are_asked_for(session, cast):
    keys = [f"customer:{number}" for number in range(1, 40)]
    assert len(finding.recent([numbered(count=40)], session, cast.lan, keys)) == finding.MOST_RECENT


# ── what there is to find ──


@pytest.fixture
def running(story):
    """The story with one late delivery that Lan has begun: (story, instance id)."""
    return story, story.start("lan")


def found(story, who, text, each=5):
    groups = finding.find(FINDERS, story.session, story.cast.actor(who), text, each=each)
    return {group.finder.kind: [hit.title for hit in group.hits] for group in groups if group.hits}


def test_a_customer_brings_her_open_work_and_instances_along(running):
    story, _instance = running
    assert found(story, "lan", "duyen dang") == {
        "customer": ["Đặng Thị Mỹ Duyên"],
        "task": ["Tiếp nhận phản ánh và xin lỗi"],
        "instance": ["Giao hàng chậm"],
    }


@pytest.mark.both_databases
def test_a_customer_is_found_by_phone_in_any_spelling(story):
    for typed in ("0912345678", "0912 345 678", "+84 912-345-678", "(091) 2345678", "84912345678", "5678"):
        assert found(story, "lan", typed)["customer"] == ["Đặng Thị Mỹ Duyên"], typed


def named_one(story, who, text):
    return finding.the_one(finding.find(FINDERS, story.session, story.cast.actor(who), text, each=5))


def test_a_phone_number_its_last_digits_or_a_code_name_one_record(running):
    story, instance_id = running
    instance = story.instance(instance_id)
    for typed in ("0912345678", "5678", "duyen 5678", "chị Duyên, sđt 0912.345.678 hỏi hàng"):
        assert named_one(story, "lan", typed).title == "Đặng Thị Mỹ Duyên", typed
    assert named_one(story, "lan", "kh000001").title == "Đặng Thị Mỹ Duyên"
    assert named_one(story, "lan", instance.code.lower()).url == f"/ho-so/{instance_id}"
    for loose in ("duyen", "678", str(instance_id), "giao hang"):
        assert named_one(story, "lan", loose) is None, loose


def test_two_customers_with_one_phone_are_a_choice(story):
    with transaction(story.cast.lan) as inside:
        create_customer(
            inside, by=story.cast.lan, name="Con gái chị Duyên", phone="0912345678", duplicate_reason="dùng chung số"
        )
    for typed in ("0912345678", "5678"):
        assert named_one(story, "lan", typed) is None
        assert len(found(story, "lan", typed)["customer"]) == 2


def test_a_phone_that_nobody_has_is_offered_as_a_new_customer(story):
    def offered(who, typed):
        groups = finding.find(FINDERS, story.session, story.cast.actor(who), typed, each=5)
        return [group.suggestion.url for group in groups if group.suggestion]

    for typed in ("0966 111 222", "+84966111222", "SĐT: 0966.111.222", "chị Hoa 0966 111 222 hỏi giá"):
        assert offered("lan", typed) == ["/khach-hang/add?phone=0966+111+222"], typed
    assert offered("lan", "0912 345 678") == []
    assert offered("lan", "0966") == []
    assert offered("lan", "khong co ai") == []


@pytest.mark.both_databases
def test_an_instance_is_found_by_its_code_as_people_write_it(running):
    story, _instance = running
    for typed in ("hs-1", "HS-000001", "hs000001", "hs 1", "1"):
        assert found(story, "lan", typed)["instance"] == ["Giao hàng chậm"], typed


def test_archived_customers_and_finished_tasks_leave_the_search(running):
    story, instance_id = running
    assert "task" in found(story, "lan", "xin loi")
    story.do("lan", story.task(instance_id, "receive"))
    assert "task" not in found(story, "lan", "xin loi")
    with transaction(story.cast.hoa) as inside:
        archive_customer(inside, inside.get_one(Customer, story.customer_id), by=story.cast.hoa)
    assert "customer" not in found(story, "lan", "duyen")


def test_staff_find_processes_to_begin_and_admins_to_draw(story):
    def urls(who):
        groups = finding.find(FINDERS, story.session, story.cast.actor(who), "giao hang", each=5)
        return [hit.url for group in groups for hit in group.hits if group.finder.kind == "process"]

    assert urls("lan") == ["/ho-so/bat-dau/giao-hang-cham"]
    assert urls("hoa") == [f"/quy-trinh/show/{story.process().id}"]


def test_however_many_kinds_there_are_the_small_ones_are_asked_for_together(running):
    """Customers; the small kinds, and what belongs to the customers; the tasks due next; the names of processes."""
    story, _instance = running
    asked = []

    def note(_connection, _cursor, statement, *_more):
        asked.append(statement)

    engine, hoa = story.session.get_bind(), story.cast.hoa
    event.listen(engine, "before_cursor_execute", note)
    try:
        finding.find(FINDERS, story.session, hoa, "duyen", each=5)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(asked) == 4, "\n\n".join(asked)


def test_members_are_found_by_name_and_title_without_accents(story):
    assert found(story, "lan", "pham quang")["member"] == ["Phạm Quang Minh"]
    assert "Lê Thị Hoa" in found(story, "lan", "quan tri")["member"]


def test_what_belongs_to_another_team_is_not_found(running):
    story, instance_id = running
    assert found(story, "tuan", "duyen") == {}
    assert found(story, "tuan", "0912345678") == {}
    assert found(story, "tuan", story.instance(instance_id).code) == {}
    keys = [f"customer:{story.customer_id}", f"instance:{instance_id}"]
    assert finding.recent(FINDERS, story.session, story.cast.tuan, keys) == []


def test_of_work_handed_over_the_customers_name_goes_along(running):
    story, instance_id = running
    story.run_to(instance_id, "find-order")
    shown = found(story, "binh", "duyen")
    assert shown["task"] == [story.task(instance_id, "find-order").name]
    assert "customer" not in shown
    shown = finding.recent(FINDERS, story.session, story.cast.binh, [f"customer:{story.customer_id}"])
    assert [hit.title for _key, _finder, hit in shown] == ["Đặng Thị Mỹ Duyên"]


STRANGE_TEXTS = [
    "%", "_", "%%%", "' OR '1'='1", '"', "\\", "*", "NEAR(a b)", "(", "-", ":", "&|!", "0" * 300, "đ" * 10_000,
    "\ud83d\ude00", "\u202e", "<b>", "ﬁ", "١٢٣",
]  # fmt: skip


@pytest.mark.both_databases
def test_any_text_is_safe_and_finds_nobody(story):
    for text in STRANGE_TEXTS:
        assert found(story, "hoa", text).get("customer", []) == [], text


def test_nothing_is_looked_for_behind_a_nul(story):
    assert finding.find(FINDERS, story.session, story.cast.hoa, "duy\0en", each=5) == []


@pytest.mark.parametrize("text", ["d", "duyen", "0912345678", "giao hang", "zzz", "hs1"])
def test_all_kinds_together_take_few_queries(running, text):
    story, _instance = running
    who, asked = story.cast.hoa, []
    listen = lambda *given: asked.append(given[2])  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        finding.find(FINDERS, story.session, who, text, each=5)
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    assert 0 < len([one for one in asked if one.startswith("SELECT")]) <= 11
