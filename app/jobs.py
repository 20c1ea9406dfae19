"""What happens by itself, how often, and why? The clock: every scheduled job. (The worker adds its own heartbeat.)"""

from __future__ import annotations

from datetime import timedelta

from app.core import anchor, clock, exports, files, repeats, turns
from app.core.access import SYSTEM
from app.core.db import db, transaction
from app.core.i18n import DEFAULT_TIME_ZONE, _
from app.core.worker import Job
from app.customers import indexing, promise_alerts
from app.customers.bulk import running as bulk_edits
from app.customers.bulk import services as edited
from app.customers.bulk.telling import tell_of_bulk_edit
from app.customers.classes.jobs import classify
from app.customers.duplicates.looking import look_when_due
from app.customers.forgotten import keeping
from app.demo.running import Removal
from app.demo.telling import tell_of_removal
from app.forms import services as forms
from app.forms.public import services as entries
from app.forms.public.running import Arrivals
from app.forms.public.telling import tell_of_entry
from app.forms.submissions import running as answers
from app.imports import running as imports
from app.imports import services as brought
from app.imports.telling import tell_of_import
from app.notifications import jobs as notifications
from app.notifications.exported import tell_of_export
from app.processes import jobs as processes
from app.processes import version_moves
from app.security import looking, shares
from app.security import services as security
from app.security.queries import present_actor
from app.tasks import jobs as tasks
from app.tasks import orphans


def tidy_database() -> None:
    """SQLite: move the write-ahead log into the file, refresh what the planner knows. PostgreSQL does so by itself."""
    if db.engine.dialect.name != "sqlite":
        return
    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.execute("PRAGMA optimize")


def forget() -> None:
    """What nobody asks for any more: old answers to repeated requests, ended sign-ins, exports after their week,
    bulk edits that nobody went on with, and files without a record."""
    with transaction() as session:
        repeats.forget_answers(session, before=clock.now() - timedelta(days=1))
        security.forget_sign_ins(session, before=clock.now() - timedelta(days=30))
        exports.forget(session, at=clock.now())
        brought.forget(session, at=clock.now())
        entries.forget(session, at=clock.now())
        forms.forget_files(session, before=clock.now() - timedelta(days=7))
        edited.forget(session, at=clock.now())
    files.remove_orphans()
    exports.remove_strays()


def end_looks() -> None:
    """Whoever looked as somebody else and did not stop: his time is over, or his session is."""
    with transaction() as session:
        looking.end_stale_looks(session)


def write_exports() -> None:
    """Each in the name of whoever asked for it, with the rights that he has when it is written."""
    exports.write_waiting(present_actor, tell_of_export)


def run_imports() -> None:
    """Each in the name of whoever brought the file, with the rights that he has by then."""
    imports.run_waiting(present_actor, tell_of_import)


def remove_demo() -> None:
    """In the name of whoever asked for it, with the rights that he has by then."""
    turns.run_waiting(Removal, present_actor, tell_of_removal)


def take_entries() -> None:
    """Nobody is asked in whose name: what comes in from outside is the company's."""
    turns.run_waiting(Arrivals, lambda _session, _member_id: SYSTEM, tell_of_entry)


def run_bulk_edits() -> None:
    """Each in the name of whoever began it, with the rights that he has by then."""
    bulk_edits.run_waiting(present_actor, tell_of_bulk_edit)


def run_version_moves() -> None:
    """Each in the name of whoever began it, with the rights that he has by then."""
    version_moves.run_waiting(present_actor)


def end_shares() -> None:
    with transaction(SYSTEM) as session:
        shares.end_expired(session, at=clock.now())


def renew_search_words() -> None:
    """Small steps: whoever saves a customer meanwhile hardly waits."""
    while True:
        with transaction(SYSTEM) as session:
            if indexing.refresh(session) < indexing.MOST:
                return


def renew_forgotten() -> None:
    """Small steps, for the same reason."""
    while True:
        with transaction(SYSTEM) as session:
            if keeping.refresh(session) < keeping.MOST:
                return


def look_for_duplicates() -> None:
    look_when_due(DEFAULT_TIME_ZONE)


JOBS = (
    Job(
        name="notifications.dispatch",
        label=_("Send mails"),
        run=notifications.dispatch_outbox,
        every=timedelta(seconds=2),
        reason="a mail leaves within seconds of what caused it",
    ),
    Job(
        name="tasks.scan_overdue",
        label=_("Warn of overdue work"),
        run=tasks.scan_overdue,
        every=timedelta(seconds=10),
        reason="a task whose time has passed is told of within seconds, far inside the minute that is promised",
    ),
    Job(
        name="tasks.tell_orphans",
        label=_("Tell of work that has nobody"),
        run=orphans.tell_orphans,
        every=timedelta(seconds=30),
        reason="work whose team is empty or whose doer has left is given to somebody before it is late",
    ),
    Job(
        name="processes.timers",
        label=_("Let the clocks of processes strike"),
        run=processes.strike_due,
        every=timedelta(seconds=5),
        reason="what a process does at a moment happens within seconds of it; what was missed happens once",
    ),
    Job(
        name="processes.messages",
        label=_("Hand over messages to processes"),
        run=processes.hand_over_messages,
        every=timedelta(seconds=5),
        reason="what came before it was waited for is taken within seconds; what nobody takes goes after its time",
    ),
    Job(
        name="processes.mails",
        label=_("Go on after mails of processes"),
        run=processes.go_on_after_mails,
        every=timedelta(seconds=5),
        reason="a process that waits for its mail goes on within seconds of its going out, or stops when it never will",
    ),
    Job(
        name="processes.requests",
        label=_("Call programs outside for processes"),
        run=processes.ask_outside,
        every=timedelta(seconds=2),
        reason="what a process asks of another program is asked within seconds; killed anywhere, it is asked again",
    ),
    Job(
        name="security.end_looks",
        label=_("End looking as somebody else"),
        run=end_looks,
        every=timedelta(minutes=1),
        reason="the audit log tells within a minute when somebody no longer looks as another person",
    ),
    Job(
        name="exports.write",
        label=_("Write large lists as files"),
        run=write_exports,
        every=timedelta(seconds=2),
        reason="a long list is ready soon after it was asked for",
    ),
    Job(
        name="imports.run",
        label=_("Bring in files"),
        run=run_imports,
        every=timedelta(seconds=2),
        reason="a file is looked through soon after it was brought, and its rows are written soon after that",
    ),
    Job(
        name="demo.remove",
        label=_("Remove the demo company"),
        run=remove_demo,
        every=timedelta(seconds=5),
        reason="what was asked for begins within seconds; killed anywhere, it goes on where it was",
    ),
    Job(
        name="forms.index_answers",
        label=_("Look through old answers"),
        run=answers.run_waiting,
        every=timedelta(seconds=5),
        reason="a question that becomes one to filter by, or wanted only once, tells of old answers within seconds",
    ),
    Job(
        name="customers.bulk_edits",
        label=_("Change many customers at once"),
        run=run_bulk_edits,
        every=timedelta(seconds=2),
        reason="whoever has changed many customers sees within seconds that it goes on",
    ),
    Job(
        name="processes.version_moves",
        label=_("Move process files to another version"),
        run=run_version_moves,
        every=timedelta(seconds=2),
        reason="whoever moves all process files sees within seconds that it goes on",
    ),
    Job(
        name="forms.public_entries",
        label=_("Take in what public forms bring"),
        run=take_entries,
        every=timedelta(seconds=3),
        reason="whoever sends a public form is a customer within seconds; killed anywhere, it goes on where it was",
    ),
    Job(
        name="shares.end",
        label=_("End shares whose time is over"),
        run=end_shares,
        every=timedelta(minutes=1),
        reason="a share whose time is over ends at once by itself; the audit log tells of it within the minute",
    ),
    Job(
        name="customers.search_words",
        label=_("Renew the words that customers are found by"),
        run=renew_search_words,
        every=timedelta(seconds=5),
        reason="a tag or a company with a new name is found by it within seconds",
    ),
    Job(
        name="customers.forgotten",
        label=_("Work out from when on customers are forgotten"),
        run=renew_forgotten,
        every=timedelta(seconds=10),
        reason="another target of a value tier counts for all its customers within seconds",
    ),
    Job(
        name="customers.classify",
        label=_("Put customers into their classes"),
        run=classify,
        every=timedelta(seconds=5),
        reason="every night, and soon after somebody asked for it; killed anywhere, it goes on where it was",
    ),
    Job(
        name="customers.duplicates",
        label=_("Look for customers who are in here twice"),
        run=look_for_duplicates,
        every=timedelta(minutes=5),
        reason="who was typed a second time is found soon; at night everybody is compared with everybody",
    ),
    Job(
        name="customers.promises",
        label=_("Remind of promises"),
        run=promise_alerts.remind,
        every=timedelta(minutes=1),
        reason="who promised something is told on its day, and once more when the day is over",
    ),
    Job(
        name="audit.seal",
        label=_("Seal the audit log"),
        run=anchor.seal_and_keep,
        every=timedelta(seconds=60),
        reason="what was written to the audit log cannot be changed unseen after a minute",
    ),
    Job(
        name="database.tidy",
        label=_("Tidy the database"),
        run=tidy_database,
        every=timedelta(hours=1),
        reason="the write-ahead log stays small and queries keep their plans",
    ),
    Job(
        name="forget",
        label=_("Throw old leftovers away"),
        run=forget,
        every=timedelta(hours=1),
        reason="repeated requests, ended sign-ins, old exports and stray files do not pile up",
    ),
)
