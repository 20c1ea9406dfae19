"""What can be done with work on its own pages: take it, give it back or to somebody, save it, finish it?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from app.core import clock, edge, links
from app.core.db import db, row_id
from app.core.errors import BusinessError, ConflictError, InvalidInputError, NotFoundError
from app.core.i18n import _
from app.core.pages import Page, done, page, refused_onto, show
from app.core.sent_once import sent
from app.forms.builder import typed_in
from app.forms.rules import Answers
from app.forms.uploads import take_in
from app.security import queries as people
from app.tasks import queries, services
from app.tasks.models import Task
from app.tasks.rules import reason_problem
from app.tasks.task_page import answer_form, conflict_text, refused_page, task_of, task_page
from app.tasks.work_list import work_list


class TaskPages(Page):
    """/cong-viec: the lists and the page of a task."""

    resource = "Task"
    route_base = "/cong-viec"

    @page("/")
    def index(self) -> Any:
        return show("tasks/list.html", **work_list(edge.actor(), db.session(), clock.now()))

    @page("/<task_id>")
    def task(self, task_id: str) -> Any:
        return task_page(row_id(task_id))

    @page("/<task_id>/nhan", "POST", right="edit")
    def claim(self, task_id: str) -> Any:
        return _verb(
            task_id,
            lambda session, number: services.claim_task(session, number, by=edge.actor()),
            _("The task is yours now."),
        )

    @page("/<task_id>/tra", "POST", right="edit")
    def release(self, task_id: str) -> Any:
        return _verb(
            task_id,
            lambda session, number: services.release_task(session, number, by=edge.actor(), rev=_rev()),
            _("The task is back with the team."),
            onward="/cong-viec/?queue=1",
        )

    @page("/<task_id>/giao-lai", "POST", right="assign")
    def reassign(self, task_id: str) -> Any:
        member_id, reason = row_id(request.form.get("member_id", "")), request.form.get("note", "")

        def give(session: Session, number: int) -> Task:
            member = people.member_by_id(session, member_id)
            if member is None:
                raise NotFoundError
            return services.reassign_task(session, number, member, by=edge.actor(), reason=reason, rev=_rev())

        return _verb(task_id, give, _("The task has been given to somebody else."), away="/cong-viec/?team=1")

    @page("/<task_id>/tra-lai", "POST", right="edit")
    def give_back(self, task_id: str) -> Any:
        to, note = request.form.get("to", ""), request.form.get("note", "")

        def send(session: Session, number: int) -> Task:
            return services.return_task(session, number, to=to, note=note, by=edge.actor(), rev=_rev())

        number = row_id(task_id)
        try:
            with edge.transaction() as inside:
                _once(inside, number, send)
        except NotFoundError:
            raise
        except BusinessError as error:
            if not queries.may(db.session(), number, edge.actor(), "edit"):
                return _refused(number, error)
            # The dialog comes back as it was typed.
            conflict = error if isinstance(error, ConflictError) else None
            return task_page(number, conflict=conflict, sent_back=error.fields, status=error.status)
        return _done(number, _("The work has been sent back."))

    @page("/<task_id>/nhap", "POST", right="edit")
    def draft(self, task_id: str) -> Any:
        typed, number, actor = typed_in(request.form), row_id(task_id), edge.actor()
        try:
            with edge.transaction() as inside:
                _once(
                    inside, number, lambda session, id_: services.save_draft(session, id_, typed, by=actor, rev=_rev())
                )
        except NotFoundError:
            raise
        except BusinessError as error:
            task = task_of(db.session(), number, actor)
            return refused_page(number, error, answer_form(db.session(), task, actor))
        return done(links.task_path(number), _("Draft saved."))

    @page("/<task_id>/hoan-thanh", "POST", right="edit")
    def complete(self, task_id: str) -> Any:
        number, actor, session = row_id(task_id), edge.actor(), db.session()
        if (before := sent().answer(session)) is not None:
            return _finished(number, before["task"])
        task = task_of(session, number, actor)
        form = answer_form(session, task, actor)
        answers: Answers | None = None
        if form is not None and task.form_version_id is not None:
            take_in(form, task.form_version_id)
            if not form.validate():
                return task_page(number, form=form, status=422)
            answers = form.answers
        outcome, note = request.form.get("outcome") or None, request.form.get("note", "")
        if missing := reason_problem(outcome, note):
            return refused_page(number, InvalidInputError(fields={"note": [missing]}), form)

        def finish(session: Session, number: int) -> Task:
            return services.complete_task(
                session, number, by=actor, answers=answers, outcome=outcome, note=note, rev=_rev()
            )

        try:
            with edge.transaction() as inside:
                name = _once(inside, number, finish)
        except NotFoundError:
            raise
        except BusinessError as error:
            return refused_page(number, error, form)
        return _finished(number, name)


def _finished(number: int, name: str) -> Any:
    """To what he has just finished, which shows what comes next: the next decision is not one key press away."""
    return done(links.task_path(number), _("“%(task)s” is done.", task=name))


def _once(session: Session, number: int, change: Callable[[Session, int], Task]) -> str:
    """Do it once a page; returns the name of the task. Raises PageUsedError."""
    return str(sent().once(session, lambda session: {"task": change(session, number).name})["task"])


def _rev() -> int | None:
    """The revision that the page was made from."""
    text = request.form.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _verb(
    task_id: str,
    change: Callable[[Session, int], Task],
    sentence: object,
    *,
    onward: str | None = None,
    away: str = "/cong-viec/?queue=1",
) -> Any:
    """A button on the task page: done, or refused with the reason, and back to the task.

    `onward`: where it leads when it is done; `away`: where, when the task is out of his sight by now.
    """
    number = row_id(task_id)
    try:
        with edge.transaction() as session:
            _once(session, number, change)
    except BusinessError as error:
        return _refused(number, error, away)
    return done(onward, sentence) if onward else _done(number, sentence, away)


def _refused(number: int, error: BusinessError, away: str = "/cong-viec/?queue=1") -> Any:
    if isinstance(error, NotFoundError):
        raise error
    if isinstance(error, ConflictError):
        error = ConflictError(conflict_text(error, edge.actor()))
    return refused_onto(_where(number, away), error)


def _done(number: int, sentence: object, away: str = "/cong-viec/?queue=1") -> Any:
    return done(_where(number, away), sentence)


def _where(number: int, away: str) -> str:
    """The task, or where he goes on when it is out of his sight by now."""
    return links.task_path(number) if queries.may(db.session(), number, edge.actor()) else away
