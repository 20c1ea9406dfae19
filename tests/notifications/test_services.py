from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM, Actor, Scope, visible
from app.core.db import db, transaction
from app.core.errors import ConflictError, NotAllowedError
from app.core.i18n import _
from app.core.leases import LeaseState
from app.notifications import queries, services
from app.notifications.models import Alert, MessageTemplate, Notification, Outbox
from app.notifications.rules import MessageTemplateError

NINE = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LAN, MINH, HOA = 1, 2, 3
_OURS = (MessageTemplate.language == "vi") & (MessageTemplate.code == "task_overdue")


def warn(session, **other) -> Alert | None:
    key = {
        "rule": "task_overdue",
        "subject_type": "task",
        "subject_id": 7,
        "level": 1,
        "due_moment": NINE,
        "recipient_id": LAN,
    }
    return services.raise_alert(session, **(key | other), at=NINE)


def bell(session, to: int = LAN, **more) -> Notification:
    key = {"kind": "task_overdue", "data": {"task": "Gọi lại"}, "subject_type": "task", "subject_id": 7, "at": NINE}
    return services.post_bell(session, to=to, **(key | more))


def test_an_alert_is_raised_once(session):
    with transaction() as inside:
        alert = warn(inside)
        assert alert is not None
        assert (alert.rule_key, alert.subject_id, alert.due_moment, alert.raised_at) == ("task_overdue", 7, NINE, NINE)
        assert warn(inside) is None
    with transaction() as inside:
        assert warn(inside) is None
    assert session.scalar(select(func.count(Alert.id))) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"rule": "task_due_soon"},
        {"subject_type": "instance"},
        {"subject_id": 8},
        {"level": 2},
        {"due_moment": NINE + timedelta(minutes=1)},
        {"repeat_no": 1},
        {"recipient_id": MINH},
    ],
)
def test_anything_else_in_the_key_is_another_alert(session, other):
    with transaction() as inside:
        assert warn(inside) is not None
        assert warn(inside, **other) is not None


def test_workers_at_the_same_time_raise_one_alert(app):
    start = Barrier(4)
    raised: list[bool] = []

    def scan() -> None:
        with app.app_context():
            start.wait()
            with transaction() as inside:
                raised.append(warn(inside) is not None)
            db.session.remove()

    threads = [Thread(target=scan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(raised) == [False, False, False, True]


def test_a_rolled_back_alert_was_never_raised(session):
    def half_done() -> None:
        with transaction() as inside:
            warn(inside)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        half_done()
    with transaction() as inside:
        assert warn(inside) is not None


def test_bell_lines_are_counted_and_read_with_their_alerts(session):
    with transaction() as inside:
        alert = warn(inside)
        first = bell(inside, alert=alert)
        bell(inside)
        other = bell(inside, to=MINH)
        inside.flush()
        first_id, other_id, alert_id = first.id, other.id, alert.id
    assert queries.unread_count(session, LAN) == 2
    assert queries.unread_count(session, LAN, at_most=1) == 1

    with transaction() as inside:
        assert services.mark_read(inside, LAN, [first_id, other_id], at=NINE) == 1
        assert services.mark_read(inside, LAN, [first_id], at=NINE + timedelta(hours=1)) == 0
    assert session.get_one(Alert, alert_id).read_at == NINE
    assert session.get_one(Notification, first_id).read_at == NINE
    assert session.get_one(Notification, other_id).read_at is None

    with transaction() as inside:
        assert services.mark_all_read(inside, LAN, at=NINE) == 1
    assert (queries.unread_count(session, LAN), queries.unread_count(session, MINH)) == (0, 1)
    assert len(session.scalars(queries.bell_lines_of(LAN)).all()) == 2


def test_a_mail_is_written_in_the_language_of_its_reader(a_mail, mail_row):
    vi, en, other = a_mail(), a_mail(language="en"), a_mail(language="fr")
    assert mail_row(vi).subject == "Quá hạn: Tiếp nhận phản ánh"
    assert mail_row(en).subject == "Overdue: Tiếp nhận phản ánh"
    assert mail_row(other).subject == "Quá hạn: Tiếp nhận phản ánh"
    assert '<html lang="en">' in mail_row(en).body_html
    assert mail_row(vi).message_id.endswith("@phosen.example>")


def test_the_same_key_queues_one_mail(a_mail, session):
    first, again, other = (
        a_mail(idempotency_key="alert:1"),
        a_mail(task="khác", idempotency_key="alert:1"),
        a_mail(idempotency_key="alert:2"),
    )
    assert first == again != other
    assert session.scalar(select(func.count(Outbox.id))) == 2


def test_hostile_values_stay_text(a_mail, mail_row):
    row = mail_row(a_mail(task="Gọi\r\nBcc: everyone@x.vn\r\n\r\n<script>alert(1)</script>"))
    assert row.subject == "Quá hạn: Gọi Bcc: everyone@x.vn <script>alert(1)</script>"
    assert "<script>" not in row.body_html


@pytest.mark.parametrize("address", ["", "lan", "lan@x.vn\r\nBcc: minh@x.vn", "a@b.vn, c@d.vn"])
def test_an_impossible_address_makes_a_dead_mail_and_no_error(a_mail, mail_row, address):
    row = mail_row(a_mail(to=address))
    assert row.status == LeaseState.dead
    assert row.last_error
    assert "\n" not in row.to_address


def test_lazy_values_speak_the_readers_language(session, mail_by):
    with transaction() as inside:
        mail = services.queue_mail(
            inside,
            to_address="lan@phosen.example",
            template="task_overdue",
            values={"task": _("Name of the task"), "customer": None},
            language="en",
            at=clock.now(),
        )
        assert mail.subject == "Overdue: Name of the task"
        assert "Customer" not in mail.body_text


def test_shipped_templates_are_put_in_once_and_rewordings_stay(session):
    with transaction() as inside:
        assert services.ensure_templates(inside) >= 2
        assert services.ensure_templates(inside) == 0
    with transaction(SYSTEM) as inside:
        template = inside.scalars(select(MessageTemplate).where(_OURS)).one()
        services.save_template(
            inside, template, subject="Trễ: {{ task }}", body="Chào {{ name }}\r\n{{ link }}", rev=1, by=SYSTEM
        )
        assert template.rev == 2
    with transaction() as inside:
        services.ensure_templates(inside)
    template = session.scalars(select(MessageTemplate).where(_OURS)).one()
    assert (template.subject, template.body) == ("Trễ: {{ task }}", "Chào {{ name }}\n{{ link }}")


def test_the_admins_wording_is_used(session, a_mail, mail_row):
    with transaction(SYSTEM) as inside:
        services.ensure_templates(inside)
        template = inside.scalars(select(MessageTemplate).where(_OURS)).one()
        services.save_template(inside, template, subject="Trễ: {{ task }}", body="{{ name }}", rev=1, by=SYSTEM)
    row = mail_row(a_mail())
    assert (row.subject, row.body_text) == ("Trễ: Tiếp nhận phản ánh", "Lan\n\n-- \nTận Tâm\n")


def test_a_wording_that_became_impossible_does_not_stop_the_mail(session, a_mail, mail_row):
    with transaction() as inside:
        inside.add(MessageTemplate(code="task_overdue", language="vi", subject="{{ gone }}", body="x"))
    assert mail_row(a_mail()).subject == "Quá hạn: Tiếp nhận phản ánh"


def test_rewording_is_checked_and_needs_the_right_and_the_newest_revision(session):
    nobody = Actor(user_id=LAN)
    with transaction() as inside:
        services.ensure_templates(inside)

    def reword(**change) -> None:
        with transaction(SYSTEM) as inside:
            template = inside.scalars(select(MessageTemplate).where(_OURS)).one()
            given = {"subject": "s", "body": "b", "rev": 1, "by": SYSTEM} | change
            services.save_template(inside, template, **given)

    with pytest.raises(MessageTemplateError):
        reword(body="{{ secret }}")
    with pytest.raises(NotAllowedError):
        reword(by=nobody)
    with pytest.raises(ConflictError):
        reword(rev=2)
    assert session.scalars(select(MessageTemplate.rev).distinct()).all() == [1]


def test_resending_needs_the_right(session, a_mail):
    mail_id = a_mail()
    with pytest.raises(NotAllowedError), transaction() as inside:
        services.resend_mail(inside, inside.get_one(Outbox, mail_id), by=Actor(user_id=LAN))


def test_who_sees_what(session, a_mail):
    with transaction() as inside:
        warn(inside)
        warn(inside, recipient_id=MINH)
        bell(inside)
        bell(inside, to=MINH)
    a_mail()

    def seen(model, actor) -> int:
        return session.scalar(select(func.count(model.id)).where(visible(model, actor)))

    lan = Actor(user_id=LAN, permissions=frozenset({("view", "Alert")}), scopes={("Alert", "view"): Scope.own})
    hoa = Actor(
        user_id=HOA,
        permissions=frozenset({("view", "Alert"), ("view", "Outbox")}),
        scopes={("Alert", "view"): Scope.all, ("Outbox", "view"): Scope.all},
    )
    assert [seen(model, lan) for model in (Alert, Notification, Outbox)] == [1, 1, 0]
    assert [seen(model, hoa) for model in (Alert, Notification, Outbox)] == [2, 0, 1]


def test_the_state_of_the_outbox_can_be_told(session, a_mail):
    assert queries.oldest_waiting_mail_at(session, at=NINE) is None
    a_mail(at=NINE)
    a_mail(at=NINE - timedelta(hours=1))
    a_mail(to="nowhere", at=NINE - timedelta(hours=2))
    session.rollback()
    assert queries.oldest_waiting_mail_at(session, at=NINE) == NINE - timedelta(hours=1)
    assert queries.dead_mail_count(session) == 1
