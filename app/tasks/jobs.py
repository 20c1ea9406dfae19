"""Which tasks have run out of time? Each is told of once, whatever the number of workers and restarts."""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.db import db, transaction
from app.tasks import queries
from app.tasks.alerts import alert_overdue, look_again, mail_overdue
from app.tasks.models import Task
from app.tasks.rules import ALERT_RETRY

logger = logging.getLogger(__name__)

BATCH = 200


def scan_overdue() -> int:
    """Raise what is due, a batch a transaction. Returns how many tasks were told of. Needs an application context.

    Raises OperationalError when the database is locked or away: no task is to blame, so each stays due as it was.
    """
    done = 0
    while True:
        at = clock.now()
        ids = list(db.session.scalars(queries.alerts_due(at, limit=BATCH)))
        db.session.rollback()
        if not ids:
            return done
        try:
            done += _tell(ids)
        except OperationalError:
            raise
        except Exception:
            # One bad row must not hold back the others: each by itself, and the bad one later.
            logger.exception("overdue alerts: a batch of %d failed, going on one by one", len(ids))
            done += sum(_tell_one(task_id) for task_id in ids)
        if len(ids) < BATCH:
            return done


def _tell(ids: list[int]) -> int:
    at = clock.now()
    told = 0
    with transaction() as session:
        # Locked and looked at again: another worker may have been faster, or the task is done by now.
        rows = (
            select(Task)
            .where(Task.id.in_(ids), Task.next_alert_at.is_not(None), Task.next_alert_at <= at)
            .options(joinedload(Task.assignee), joinedload(Task.offered_team), joinedload(Task.customer))
            .order_by(Task.id)
            .with_for_update(of=Task, skip_locked=True)
        )
        for task in session.scalars(rows).unique():
            if not task.is_open:
                look_again(session, task, None)
                continue
            raised = alert_overdue(session, task, at=at)
            for person, alert in raised or ():
                mail_overdue(session, task, person, alert, at=at)
            told += raised is not None
    return told


def _tell_one(task_id: int) -> int:
    try:
        return _tell([task_id])
    except OperationalError:
        raise
    except Exception:
        logger.exception("overdue alert of task %d failed", task_id)
        with transaction() as session:
            look_again(session, session.get_one(Task, task_id), clock.now() + ALERT_RETRY)
        return 0
