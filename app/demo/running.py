"""Who removes the demo? The worker, a few records and all that goes with them a transaction; killed anywhere, whoever
comes next finds what is left and goes on."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import audit, clock, settings
from app.core.access import Actor
from app.core.accounts import User
from app.core.db import db, queue_up, transaction
from app.core.errors import BusinessError, NotAllowedError
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.core.removing import a_few, erase_values, remove
from app.core.turns import Turn
from app.demo.belongings import NOWHERE, ORDER, TRIED, Belongings, loaded_at
from app.demo.closure import LETS_GO, Rows, in_order, own_links, table_of, what_goes
from app.demo.models import DemoRemoval, RemovalPhase
from app.demo.removal import WANTS
from app.security import leaving, teams
from app.security.models import Member, Team
from app.security.rules import NO_PASSWORD

#: records with all that goes with them, in one transaction
LOT = 50
REMOVED, DONE = "demo.removed", "demo.removal_done"
_BROKEN = _("Something broke on our side. What went is gone; ask for it again to remove the rest.")


class Removal(Turn[DemoRemoval]):
    """One worker's turn."""

    model = DemoRemoval

    def go(self) -> None:
        while self._lot():
            db.session().expunge_all()
            if self.is_over():
                return

    def _lot(self) -> bool:
        """False: it is done. Raises BusinessError where whoever asked for it may not any more."""
        session = db.session()
        session.rollback()
        who = self.actor_of(session, session.get_one(DemoRemoval, self.job_id).member_id)
        if who is None or not all(who.may(*right) for right in WANTS):
            raise NotAllowedError(_("Whoever asked for it was closed or has lost the right. Ask for it again."))
        with in_language(DEFAULT_LANGUAGE), transaction(who) as inside:
            queue_up(inside, "demo")
            removal, at = self.hold(inside), loaded_at(inside)
            audit.because(inside, str(_("The demo company is removed.")))
            if at is not None and _remove_some(inside, removal, Belongings(inside, at), by=who):
                removal.attempts = 1  # it moves on: what kills a worker later begins to count anew
                return True
            # What people have tried can still go later, when they say so.
            if not any(TRIED in why for held in removal.kept.values() for why in held.values()):
                settings.put(inside, "demo_loaded_at", "", by=who)
            audit.record(inside, DONE, table=DemoRemoval.__tablename__, record_id=removal.id, by=who,
                         changes={"rows": [None, sum(removal.gone.values())]})  # fmt: skip
            self.tell(inside, self.finish(inside, phase=RemovalPhase.removed))
        return False

    def stopped(self, session: Session, job: DemoRemoval, problem: BusinessError | None) -> None:
        with in_language(DEFAULT_LANGUAGE):
            job.problem = str(problem.message if problem else _BROKEN)
        job.phase, job.finished_at = RemovalPhase.failed, clock.now()
        self.tell(session, job)


def _remove_some(session: Session, removal: DemoRemoval, demo: Belongings, *, by: Actor) -> bool:
    """The next records of the first table of ORDER that has some left. False: none is left."""
    for table in ORDER:
        left = demo.ids(table) - {int(one) for one in removal.kept.get(table, {})}
        if not left:
            continue
        if table in ("team", "member"):
            _leave(session, demo, by=by)
        going, held = demo.settled(table, left, {}, with_tried=removal.with_tried)
        some = set(sorted(going.get(table, ()))[:LOT])
        if held:
            kept = removal.kept.get(table, {}) | {str(one): dict(why) for one, why in held.items()}
            removal.kept = {**removal.kept, table: kept}
        rows, _follows = what_goes(session, table, some)
        removal.gone = dict(Counter(removal.gone) + Counter({name: len(ids) for name, ids in rows.items()}))
        removal.records_done += len(some) + len(held)
        _take_out(session, rows)
        for record_id in sorted(some):
            audit.record(session, REMOVED, table=table, record_id=record_id, by=by)
        if table == "member":
            _take_names(session, some)
        return True
    return False


def _take_out(session: Session, rows: Rows) -> None:
    """Delete them, and what the log keeps of them about people. What only names one in passing lets go of it."""
    session.flush()
    for name, columns in LETS_GO.items():
        for column in columns:
            table = table_of(name)
            pointing = table.c[column]
            targets = {key.column.table.name for key in pointing.foreign_keys}
            for some in a_few(set().union(*(rows.get(target, set()) for target in targets))):
                session.execute(update(table).where(pointing.in_(some)).values({column: None}))
    for table in in_order(rows):
        for link in own_links(table):
            for some in a_few(rows[table.name]):
                # who stays points to none of them, so these are rows that go later on
                session.execute(update(table).where(link.in_(some)).values({link.name: None}))
        remove(session, table, rows[table.name])
        erase_values(session, table.name, rows[table.name])
    session.expire_all()


def _leave(session: Session, demo: Belongings, *, by: Actor) -> None:
    """Its people head nothing, are in no team, and work here no more; what they still hold is the remover's."""
    for team in session.scalars(select(Team).where(Team.head_id.in_(demo.people_ids))).all():
        teams.change_team(session, team, by=by, rev=team.rev, head=None)
    remover = session.get_one(Member, by.user_id)
    for member in demo.people:
        for seat in list(member.memberships):
            teams.remove_person(session, seat.team, member, by=by)
        if member.deactivated_at is None:
            receivers = {duty.key: remover for duty, _held in leaving.open_work(session, member, by, titles=0)}
            leaving.deactivate_member(session, member, by=by, receivers=receivers)


def _take_names(session: Session, ids: set[int]) -> None:
    """The log says who did what by the number of an account: it stays, closed, and tells nobody any more."""
    for user in session.scalars(select(User).where(User.id.in_(ids))):
        user.first_name, user.last_name = str(_("%(number)s (removed)", number=user.id)), str(_("Demo account"))
        user.username, user.email = f"demo-{user.id}", f"demo-{user.id}{NOWHERE}"
        user.active, user.password, user.roles = False, NO_PASSWORD, []
    session.flush()
    erase_values(session, User.__tablename__, ids)
