"""Who moves all process files of a process to another version, however many? The worker, each in a transaction of its
own that remembers how far it came (core.turns)."""

from __future__ import annotations

import logging

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock, leases, turns
from app.core.access import Actor, get_visible
from app.core.db import db, transaction
from app.core.errors import BusinessError, ConflictError, NotAllowedError
from app.core.i18n import _, in_language, ngettext
from app.core.leases import LeaseState
from app.core.turns import BROKEN, ActorOf, LostError, OwnerGoneError, Turn
from app.notifications.rules import register_bell_kind
from app.notifications.services import post_bell
from app.processes import migrating
from app.processes.models import Process, ProcessInstance, ProcessVersion, VersionMove
from app.processes.services import why_given

logger = logging.getLogger(__name__)

LOT = 20
_DONE, _STOPPED = "version_move_done", "version_move_stopped"
_NOT_BY_NOW = _("The right to draw this process was taken away. What was moved stays where it is now.")

register_bell_kind(
    _DONE,
    lambda data: ngettext(
        "“%(process)s”: %(num)d process file was moved to version %(version)s.",
        "“%(process)s”: %(num)d process files were moved to version %(version)s.",
        int(data["count"]), process=data["process"], version=data["version"],
    ),
)  # fmt: skip
register_bell_kind(
    _STOPPED, lambda data: _("“%(process)s”: the moving of its process files has stopped.", process=data["process"])
)


def begin(
    session: Session, version: ProcessVersion, names: dict[str, str], *, by: Actor, reason: str, anew: bool
) -> VersionMove:
    """From now on the worker moves whatever can be moved. Raises ConflictError while he is at it already,
    InvalidInputError beside `reason`."""
    by.must("edit", "Process")
    get_visible(session, Process, version.process_id, by, "edit")
    why = why_given(reason)
    session.execute(select(Process.id).where(Process.id == version.process_id).with_for_update())
    before = newest(session, version.process_id)
    if before is not None and before.is_working:
        raise ConflictError(_("The process files of this process are just being moved."))
    rows = migrating.running_elsewhere(version, by).with_only_columns(ProcessInstance.id).order_by(None)
    count = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    move = VersionMove(
        member_id=by.user_id, version_id=version.id, renamed=dict(names), anew=anew, reason=why, rows_all=count
    )
    session.add(move)
    session.flush()
    return move


def newest(session: Session, process_id: int) -> VersionMove | None:
    """The last time that all were moved, over or not."""
    of_it = select(ProcessVersion.id).where(ProcessVersion.process_id == process_id)
    rows = select(VersionMove).where(VersionMove.version_id.in_(of_it)).order_by(VersionMove.id.desc()).limit(1)
    return session.scalars(rows.options(joinedload(VersionMove.member), joinedload(VersionMove.version))).first()


def stop(session: Session, process_id: int, *, by: Actor) -> VersionMove:
    """It goes no further; what was moved stays there. Raises ConflictError once it is over."""
    by.must("edit", "Process")
    get_visible(session, Process, process_id, by, "edit")
    move = newest(session, process_id)
    working = VersionMove.status.in_([LeaseState.waiting, LeaseState.leased])
    if move is None or not leases.stop(session, move, working, finished_at=clock.now()):
        raise ConflictError(_("It is over already."))
    return move


def run_waiting(actor_of: ActorOf) -> None:
    """Go on with what waits, oldest first. Needs an application context."""
    turns.run_waiting(_Run, actor_of, _tell)


def _tell(session: Session, move: VersionMove) -> None:
    """It is over: whoever began it learns of it."""
    process = session.get_one(Process, move.version.process_id)
    data = {"process": process.name, "version": move.version.number, "count": move.moved}
    post_bell(
        session, to=move.member_id, kind=_STOPPED if move.status is LeaseState.dead else _DONE, data=data,
        subject_type="process", subject_id=process.id, at=clock.now(),
    )  # fmt: skip


class _Run(Turn[VersionMove]):
    """One worker's turn."""

    model = VersionMove

    def go(self) -> None:
        while True:
            session = db.session()
            session.rollback()
            move = session.get_one(VersionMove, self.job_id)
            who = self._who(session, move)
            later = migrating.running_elsewhere(move.version, who).where(ProcessInstance.id > move.last_id).limit(LOT)
            waiting = [one.id for one in session.scalars(later).unique()]
            session.rollback()
            with in_language(who.language):
                for instance_id in waiting:
                    self._move(instance_id, who)
                if len(waiting) < LOT:
                    with transaction(who) as inside:
                        self.hold(inside)
                        self.tell(inside, self.finish(inside))
                    return
            db.session().expunge_all()
            if self.is_over():
                return

    def _move(self, instance_id: int, who: Actor) -> None:
        try:
            with transaction(who) as session:
                move = self.hold(session)
                migrating.move_to_version(
                    session, instance_id, move.version, by=who, reason=move.reason, names=move.renamed, anew=move.anew
                )
                move.moved += 1
                # It gets on: whoever dies over it later died over something else.
                move.last_id, move.attempts = instance_id, 1
                return
        except LostError:
            raise
        except BusinessError:
            pass  # the page says why, of each that stays
        except Exception:
            # One bad row never stops the rest.
            logger.exception("process file %d could not be moved", instance_id)
        with transaction(who) as session:
            move = self.hold(session)
            move.stayed += 1
            move.last_id, move.attempts = instance_id, 1

    def _who(self, session: Session, move: VersionMove) -> Actor:
        """With the rights of this moment. Raises OwnerGoneError, and NotAllowedError where he may not any more."""
        who = self.actor_of(session, move.member_id)
        if who is None:
            raise OwnerGoneError
        if not who.may("edit", "Process"):
            raise NotAllowedError(_NOT_BY_NOW)
        get_visible(session, Process, move.version.process_id, who, "edit")
        return who

    def stopped(self, session: Session, job: VersionMove, problem: BusinessError | None) -> None:
        member = self.actor_of(session, job.member_id)
        with in_language(member.language if member else ""):
            job.problem = str(problem.message if problem else BROKEN)
        job.finished_at = clock.now()
        self.tell(session, job)
