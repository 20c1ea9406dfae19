"""Whoever sees a record talks about it; whoever is mentioned is told once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.comments import queries
from app.comments.events import commented
from app.comments.models import Comment, CommentMention
from app.comments.services import archive_comment, edit_comment, restore_comment, write_comment
from app.core.access import visible
from app.core.audit import AuditEvent, AuditSensitive
from app.core.db import transaction
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from app.core.i18n import in_language
from app.customers.models import TimelineEntry
from app.customers.services import archive_customer
from app.notifications.models import Notification, Outbox
from app.notifications.rules import bell_text
from app.security.models import Right
from app.security.services import hand_over
from tests.comments.conftest import customer, member


def write(by, record_id, text="Khách cần gọi lại", resource="Customer", **more):
    with transaction(by) as session:
        return write_comment(session, resource, record_id, text, by=by, **more).id


def edit(by, comment_id, text, **more):
    with transaction(by) as session:
        edit_comment(session, comment_id, text, by=by, **more)


def told(session, who):
    """(bell lines, mails) of this person."""
    bell = select(func.count()).select_from(Notification).where(Notification.user_id == who.user_id)
    mails = select(func.count()).select_from(Outbox).where(Outbox.to_user_id == who.user_id)
    return session.scalar(bell), session.scalar(mails)


# ── writing ──
@pytest.mark.both_databases
def test_a_comment_is_read_by_whoever_reads_the_record(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, " Khách cần gọi lại ")
    for reader, sees in ((cast.lan, True), (cast.minh, True), (cast.hoa, True), (cast.tuan, False), (cast.binh, False)):
        found = session.scalars(select(Comment.text).where(Comment.id == comment_id, visible(Comment, reader))).all()
        assert found == (["Khách cần gọi lại"] if sees else [])


def test_the_customers_history_tells_of_it(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id)
    entry = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "commented")).one()
    assert (entry.customer_id, entry.subject_type, entry.subject_id) == (customer_id, "comment", comment_id)
    assert "gọi lại" not in str(entry.data)


def test_who_does_not_see_the_record_says_nothing_about_it(session, cast, customer_id):
    with pytest.raises(NotFoundError):
        write(cast.tuan, customer_id)
    comment_id = write(cast.lan, customer_id)
    for change in (edit_comment, archive_comment, restore_comment):
        more = ("x",) if change is edit_comment else ()
        with pytest.raises(NotFoundError), transaction(cast.tuan) as inside:
            change(inside, comment_id, *more, by=cast.tuan)


def test_work_on_a_customer_shows_his_header_and_not_what_is_said_of_him(session, cast, customer_id):
    with transaction(cast.hoa) as inside:
        hand_over(inside, "Customer", customer_id, right=Right.header, reason="task:1", member_id=cast.tuan.user_id)
    comment_id = write(cast.lan, customer_id)
    with pytest.raises(NotFoundError):
        write(cast.tuan, customer_id)
    assert session.scalar(select(Comment.id).where(Comment.id == comment_id, visible(Comment, cast.tuan))) is None


def test_an_archived_customer_is_not_talked_about_any_more(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id)
    with transaction(cast.hoa) as inside:
        archive_customer(inside, customer(inside, customer_id), by=cast.hoa)
    for act in (lambda: write(cast.lan, customer_id), lambda: edit(cast.lan, comment_id, "khác")):
        with pytest.raises(BusinessError) as refused:
            act()
        assert refused.value.code == "customer_archived"


@pytest.mark.parametrize("resource", ["Role", "Setting", "", "customer"])
def test_only_what_wants_comments_has_them(session, cast, customer_id, resource):
    with pytest.raises(NotFoundError):
        write(cast.hoa, customer_id, resource=resource)


def test_whoever_looks_at_everything_writes_nothing(session, cast, customer_id):
    looking = frozenset(one for one in cast.hoa.permissions if one[0] == "view")
    only_looking = replace(cast.hoa, permissions=looking)
    with pytest.raises(NotAllowedError):
        write(only_looking, customer_id)


# ── mentions ──
@pytest.mark.both_databases
def test_whoever_is_mentioned_gets_one_bell_line_and_one_mail(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, "@minh duyệt giúp em, @MINH nhé")
    assert told(session, cast.minh) == (1, 1)
    assert told(session, cast.lan) == (0, 0)
    line = session.scalars(select(Notification).where(Notification.user_id == cast.minh.user_id)).one()
    assert (line.subject_type, line.subject_id) == ("comment", comment_id)
    mail = session.scalars(select(Outbox).where(Outbox.to_user_id == cast.minh.user_id)).one()
    assert "khách hàng Đặng Thị Mỹ Duyên (KH0" in mail.subject
    assert "duyệt giúp em" in mail.body_text
    assert f"/trao-doi/{comment_id}" in mail.body_text
    with in_language("vi"):
        assert str(bell_text(line)).startswith(f"{cast.lan.name} nhắc đến bạn ở khách hàng Đặng Thị Mỹ Duyên (KH0")


def test_the_mail_is_in_the_readers_language(session, cast, customer_id):
    with transaction(cast.hoa) as inside:
        member(inside, "minh").language = "en"
    write(cast.lan, customer_id, "@minh")
    subject = session.scalars(select(Outbox.subject).where(Outbox.to_user_id == cast.minh.user_id)).one()
    assert "mentioned you in the customer Đặng Thị Mỹ Duyên" in subject


def test_nobody_is_told_of_his_own_words(session, cast, customer_id):
    write(cast.lan, customer_id, "@lan nhớ gọi lại")
    assert told(session, cast.lan) == (0, 0)
    assert session.scalar(select(func.count()).select_from(CommentMention)) == 1


def test_editing_tells_only_those_who_are_new(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, "@minh xem")
    edit(cast.lan, comment_id, "@minh @hoa xem")
    edit(cast.lan, comment_id, "@hoa xem")
    edit(cast.lan, comment_id, "@minh @hoa xem lại")
    assert [told(session, who) for who in (cast.minh, cast.hoa)] == [(1, 1), (1, 1)]


def test_a_mention_of_somebody_who_may_not_see_it_is_refused_beside_the_text(session, cast, customer_id):
    with pytest.raises(InvalidInputError) as refused:
        write(cast.lan, customer_id, "@minh và @tuan xem giúp")
    (sentence,) = refused.value.fields["text"]
    assert cast.tuan.name in str(sentence)
    assert cast.minh.name not in str(sentence)
    assert session.scalar(select(func.count()).select_from(Comment)) == 0
    assert told(session, cast.minh) == (0, 0)


def test_somebody_who_has_left_is_not_mentioned(session, cast, customer_id):
    with transaction(cast.hoa) as inside:
        member(inside, "minh").user.active = False
    with pytest.raises(InvalidInputError):
        write(cast.lan, customer_id, "@minh xem")


def test_an_at_for_nobody_is_a_word(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, "Gặp @9h ở kho")
    assert session.get_one(Comment, comment_id).mentions == []


def test_a_mention_shows_the_name_of_today(session, cast, customer_id):
    comment_id, minh_before = write(cast.lan, customer_id, "@minh xem"), cast.minh
    with transaction(cast.hoa) as inside:
        minh = member(inside, "minh")
        minh.name, minh.user.username = "Trần Quang Minh", "minh.tran"
    assert queries.names_in(session.get_one(Comment, comment_id)) == {"minh": "Trần Quang Minh"}
    edit(cast.lan, comment_id, "@minh xem ngay")
    assert told(session, minh_before) == (1, 1)


@pytest.mark.parametrize(
    ("typed", "found"),
    [("", {"minh", "hoa"}), ("min", {"minh"}), ("MINH", {"minh"}), ("hoà", {"hoa"}), ("tuan", set()), ("zzz", set()),
     ("%", set())],
)  # fmt: skip
def test_offered_are_colleagues_who_may_see_the_record(session, cast, customer_id, typed, found):
    kind = commented("Customer")
    assert kind is not None
    offered = queries.mentionable(session, kind, customer_id, typed, besides=cast.lan.user_id)
    assert {one.user.username for one in offered} & {"minh", "hoa", "tuan", "binh", "lan"} == found


def test_the_typed_name_narrows_before_it_is_asked_who_may_see_the_record(session, cast, customer_id, monkeypatch):
    kind = commented("Customer")
    monkeypatch.setattr(queries, "_MOST_ASKED", 1)
    assert len(queries.mentionable(session, kind, customer_id, "", besides=None)) <= 1
    for typed in ("minh", "hoa", "lan"):
        (offered,) = queries.mentionable(session, kind, customer_id, typed, besides=None)
        assert offered.user.username == typed


# ── editing ──
@pytest.mark.both_databases
def test_the_author_edits_and_the_audit_keeps_what_stood_there(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, "Sai")
    edit(cast.lan, comment_id, "Đúng", rev=1)
    comment = session.get_one(Comment, comment_id)
    assert (comment.text, comment.rev, comment.edited_at is not None) == ("Đúng", 2, True)
    of_it = select(AuditEvent.id).where(AuditEvent.table_name == "comment", AuditEvent.record_id == comment_id)
    kept = session.scalars(select(AuditSensitive.old).where(AuditSensitive.event_id.in_(of_it))).all()
    assert "Sai" in kept


def test_the_same_words_again_are_no_edit(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id, "Đúng")
    edit(cast.lan, comment_id, " Đúng ")
    assert session.get_one(Comment, comment_id).edited_at is None


def test_nobody_else_words_it_anew(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id)
    for other in (cast.minh, cast.hoa):
        with pytest.raises(NotAllowedError):
            edit(other, comment_id, "Khác")


def test_an_edit_of_what_was_edited_meanwhile_is_refused(session, cast, customer_id):
    comment_id = write(cast.lan, customer_id)
    edit(cast.lan, comment_id, "Lần một", rev=1)
    with pytest.raises(ConflictError):
        edit(cast.lan, comment_id, "Lần hai", rev=1)
    assert session.get_one(Comment, comment_id).text == "Lần một"


# ── archiving ──
def test_author_and_whoever_may_edit_the_record_take_it_away_and_bring_it_back(session, cast, customer_id):
    for who in (cast.lan, cast.minh):
        comment_id = write(cast.lan, customer_id)
        with transaction(who) as inside:
            assert archive_comment(inside, comment_id, by=who).archived_by_id == who.user_id
        assert queries.count(session, "Customer", customer_id) == 0
        with pytest.raises(NotFoundError):
            edit(cast.lan, comment_id, "Khác")
        with transaction(who) as inside:
            restore_comment(inside, comment_id, by=who)
        assert queries.count(session, "Customer", customer_id) == 1
        with transaction(who) as inside:
            archive_comment(inside, comment_id, by=who)


def test_somebody_who_only_looks_at_the_record_takes_away_his_own_alone(session, cast, customer_id):
    with transaction(cast.hoa) as inside:
        hand_over(inside, "Customer", customer_id, right=Right.view, reason="share", member_id=cast.tuan.user_id)
    others, own = write(cast.lan, customer_id), write(cast.tuan, customer_id)
    with pytest.raises(NotAllowedError), transaction(cast.tuan) as inside:
        archive_comment(inside, others, by=cast.tuan)
    with transaction(cast.tuan) as inside:
        archive_comment(inside, own, by=cast.tuan)
    assert [one.id for one in queries.of_records(session, "Customer", [customer_id])] == [others]
