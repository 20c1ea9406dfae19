"""Who asks in the matrix, for which records, and how far does each of them reach? Worked out from the roles alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalogues.models import CatalogueEntry
from app.comments.services import archive_comment, write_comment
from app.core import clock, files
from app.core.access import SYSTEM, FieldRight, FieldRule, Scope
from app.core.audit import AuditEvent
from app.core.db import transaction
from app.core.exports import Format
from app.core.exports import Wanted as ExportWanted
from app.core.exports import ask as ask_export
from app.core.leases import LeaseState
from app.core.screens.saved import save_new
from app.core.screens.wanted import Wanted as ViewWanted
from app.customers.bulk import services as bulk_edits
from app.customers.bulk.models import BulkEdit, BulkPhase
from app.customers.duplicates.merging import merge_customers
from app.customers.duplicates.models import DuplicatePair
from app.customers.forgotten import keeping
from app.customers.forgotten.services import ensure_targets
from app.customers.interactions import log_interaction
from app.customers.models import Customer
from app.customers.profile_models import Interaction, InteractionKind, Purchase
from app.customers.promise_models import Promise
from app.customers.promises import make_promise
from app.customers.purchases import add_purchase
from app.customers.segments.services import Typed, create_segment, freeze
from app.customers.services import archive_customer, create_customer
from app.customers.tags import set_tags
from app.forms.filling.services import keep_draft
from app.forms.models import FormVersion, Submission
from app.forms.public import services as public_forms
from app.forms.queries import published_version
from app.forms.services import create_form
from app.forms.services import save_draft as draft_form
from app.imports import services as imports
from app.imports.models import ImportJob, ImportPhase, ImportTarget
from app.imports.services import Wishes
from app.jobs import run_imports, write_exports
from app.notifications.services import post_bell, queue_mail
from app.processes import automatic, receivers
from app.processes.drawing import create_process
from app.processes.drawing import save_draft as draft_process
from app.processes.models import ProcessVersion
from app.processes.services import cancel_instance, start_instance
from app.security import admission, field_rights, leaving, role_services, teams
from app.security import services as security
from app.security.models import Grant, Right, RoleProfile
from app.security.roles import SHIPPED
from app.security.services import hash_password
from app.tasks.models import Task
from app.tasks.rules import Deadline, Offer
from app.tasks.services import open_task, reassign_task
from tests.cast import PASSWORD, Cast
from tests.matrix import outside
from tests.matrix.versions import begun_by_the_first
from tests.story import Story

#: stands in all records that hold a canary, so that whoever looks for it meets them
BIRD = "Hoàng"
#: what is written of customers and the discreet role shows nobody: the part of it that stands however it is drawn
KEPT_BACK = ("912345608", "912345618", "912345628", "912345638", "thucanary", "noteVang")
#: larger than an id can be
BEYOND = str(2**31 + 10**9)


#: a role of the company's own: sees and exports everything, works on customers, and reads neither phone nor e-mail nor
#: note of any
DISCREET = "Discreet"
RIGHTS: Mapping[str, Mapping[str, Mapping[str, Scope]]] = {
    **SHIPPED,
    DISCREET: {
        **SHIPPED["Auditor"],
        "Customer": dict.fromkeys(("view", "add", "edit", "delete", "export"), Scope.all),
        "Comment": {"add": Scope.all},
    },
}


@dataclass(frozen=True)
class Person:
    """One who asks; `username` is empty for nobody."""

    key: str
    username: str
    role: str = ""
    teams: frozenset[str] = frozenset()
    heads: frozenset[str] = frozenset()

    def scope(self, action: str, resource: str) -> Scope:
        return RIGHTS.get(self.role, {}).get(resource, {}).get(action, Scope.none)

    def may(self, action: str, resource: str) -> bool:
        return self.scope(action, resource) is not Scope.none


PEOPLE = (
    Person("anonymous", ""),
    Person("staff", "lan", "Staff", frozenset({"cskh"})),
    Person("staff of another team", "khoa", "Staff", frozenset({"kho"})),
    Person("staff to whose team work is offered", "tuan", "Staff", frozenset({"van-hanh"})),
    Person("manager", "minh", "Manager", frozenset({"cskh"}), frozenset({"cskh"})),
    Person("other manager", "oanh", "Manager", frozenset({"kho"}), frozenset({"kho"})),
    Person("auditor", "kien", "Auditor"),
    Person("discreet", "kin", DISCREET),
    Person("admin", "hoa", "Admin"),
)


@dataclass(frozen=True)
class Record:
    """A row that is asked for: whose it is, and to whom beyond that it was given."""

    kind: str
    #: whose rights count for it
    resource: str
    #: own, other, granted, archived, missing, beyond
    state: str
    id: str
    owners: frozenset[str] = frozenset()
    team: str | None = None
    #: teams and user names to whom it was given to look at
    granted: frozenset[str] = frozenset()
    #: the team to which work is offered
    offered: str | None = None
    #: a contact point of the customer
    point: str = ""
    #: stands in this record and nowhere else; empty: nothing in it is of its own
    canary: str = ""
    #: whoever sees that one is told how its steps are called
    step_of: Record | None = None

    def given_to(self, person: Person) -> bool:
        return bool(self.granted & ({person.username} | person.teams))


def reaches(person: Person, action: str, record: Record) -> bool:
    """May this person do that with this record? By scope, by head, by offer, by grant (design.md §4.12)."""
    if record.state in ("missing", "beyond"):
        return False
    return _RULES.get(record.kind, _by_scope)(person, action, record)


def _by_scope(person: Person, action: str, record: Record) -> bool:
    mine = person.username in record.owners
    match person.scope(action, record.resource):
        case Scope.all:
            return True
        case Scope.own:
            return mine
        case Scope.team:
            return mine or record.team in person.teams
        case Scope.subtree:
            return mine or record.team in person.teams | person.heads
        case _:
            return False


def _given(person: Person, action: str, record: Record) -> bool:
    """What was given to look at is looked at, whatever the reach of the role."""
    return _by_scope(person, action, record) or (
        action == "view" and record.given_to(person) and person.may("view", record.resource)
    )


def _task(person: Person, action: str, record: Record) -> bool:
    if action == "release":  # one's own, or as whoever gives work to others
        return person.username in record.owners or _task(person, "assign", record)
    if _given(person, action, record):
        return True
    if action in ("view", "edit") and record.offered in person.teams and person.may("edit", "Task"):
        return True
    # A head sees, assigns and takes away the work of the team, whatever the role says of its reach.
    return action in ("view", "assign", "export") and person.may(action, "Task") and record.team in person.heads


def _conversation(person: Person, action: str, record: Record) -> bool:
    """Read by whoever sees the customer, edited by its author, put away by him or by whoever may edit the customer."""
    if action in ("view", "add"):
        return _given(person, "view", record)
    return person.username in record.owners or (action == "moderate" and _by_scope(person, "edit", record))


def _private(person: Person, _action: str, record: Record) -> bool:
    return person.username in record.owners


def _begun(person: Person, action: str, record: Record) -> bool:
    """Seen by whoever may change all customers; gone on with by him who began it."""
    return _by_scope(person, "edit", record) and (action == "view" or _private(person, action, record))


def _company(person: Person, action: str, record: Record) -> bool:
    return person.scope(action, record.resource) is Scope.all


def canary(kind: str, state: str) -> str:
    """A word without accents: JSON writes the others in numbers."""
    return f"{kind}Vang{state}"


_RULES = {
    "Customer": _given,
    "Interaction": _given,
    "Purchase": _given,
    "Promise": _given,
    "ContactPoint": _given,
    "Comment": _conversation,
    "ArchivedComment": _conversation,
    "File": _conversation,
    "SavedView": _private,
    "SubmissionDraft": _private,
    "Segment": _private,
    "FrozenSegment": _private,
    "Instance": _given,
    "Task": _task,
    "HandedTask": _task,
    "LaterTask": _task,
    "Notification": _private,
    "Export": _private,
    "WaitingExport": _private,
    # Others read how far it is, and take it back; nobody else goes on with it.
    "Import": lambda person, action, record: (
        _by_scope(person, action, record) and (action == "view" or _private(person, action, record))
    ),
    "WaitingImport": _private,
    "CheckedImport": _private,
    "FailedImport": _private,
    "ImportRows": _private,
    "BulkEdit": lambda person, _action, record: _by_scope(person, "edit", record),
    "DraftBulkEdit": _private,
    "WaitingBulkEdit": _begun,
    "FailedBulkEdit": _begun,
    "TwinCustomer": _given,
    "DuplicatePair": _given,
    "CustomerMerge": _given,
    "SignIn": _private,
    "Outbox": _company,
    "Role": _company,
    "AuditEvent": _company,
    "Share": _given,
    "CatalogueEntry": lambda person, _action, _record: bool(person.username),
}


#: more people than the tests' cast: another team with its head, and one who looks at everything
_MORE = (
    ("khoa", "Mai Đăng", "Khoa", "Staff", "kho"),
    ("oanh", "Tô Kim", "Oanh", "Manager", "kho"),
    ("kien", "Ngô Trung", "Kiên", "Auditor", None),
    ("kin", "Lý Như", "Kín", DISCREET, None),
    ("cu", "Đinh Văn", "Cũ", "Staff", "kho"),
)


@dataclass
class Company:
    """The records by kind, and what else an address needs."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    #: what an address or a body needs beside a number, by the word that stands for it in the file
    given: dict[str, str] = field(default_factory=dict)

    def add(
        self, kind: str, state: str, row_id: object, *, resource: str = "", marked: bool = False, **known: Any
    ) -> Record:
        told = {key: frozenset(value) if isinstance(value, list) else value for key, value in known.items()}
        word = canary(kind, state) if marked else ""
        one = Record(kind, resource or kind, state, str(row_id), canary=word, **told)
        self.records.setdefault(kind, []).append(one)
        return one

    def out_of_sight(self, person: Person) -> list[str]:
        """The canaries that no answer to this person may hold."""
        return [
            one.canary
            for records in self.records.values()
            for one in records
            if one.canary and not any(reaches(person, "view", seen) for seen in (one, one.step_of) if seen)
        ]

    def asked(self, kind: str) -> list[Record | None]:
        """The records of these kinds ("Form+ArchivedForm"), one that is not there, and a number that no table holds; no
        kind: nothing."""
        if not kind:
            return [None]
        known = [one for each in kind.split("+") for one in self.records[each]]
        resource = known[0].resource
        return [*known, Record(kind, resource, "missing", "999999"), Record(kind, resource, "beyond", BEYOND)]


def found(session: Session) -> Company:
    """Hire the rest of the company, let it work for a morning, and note whose is what."""
    cast, made = Cast(session), Company()
    with transaction(SYSTEM) as inside:
        kho = security.create_team(inside, code="kho", name="Kho", by=SYSTEM)
        old_team = security.create_team(inside, code="bo-phan-cu", name="Bộ phận cũ", by=SYSTEM)
        discreet = _discreet(inside)
        for username, family_name, given_name, role, team in _MORE:
            member = security.create_member(
                inside, username=username, family_name=family_name, given_name=given_name,
                email=f"{username}@phosen.example", password_hash=hash_password(PASSWORD, "pbkdf2:sha256:1"),
                roles=[discreet if role == DISCREET else role], by=SYSTEM,
            )  # fmt: skip
            if team:
                teams.add_person(inside, kho, member, primary=True, by=SYSTEM)
        teams.add_person(inside, kho, cast.member("binh"), by=SYSTEM)
        teams.appoint_head(inside, kho, cast.member("oanh"), by=SYSTEM)
        security.archive_team(inside, old_team, by=SYSTEM)
        leaving.deactivate_member(inside, cast.member("cu"), receivers={}, by=SYSTEM)
    story = Story(session, cast)
    session.expire_all()
    _Morning(session, cast, story, made).passes()
    return made


def _discreet(session: Session) -> str:
    """The code of that role."""
    made = role_services.create_role(session, label_vi="Kín đáo", by=SYSTEM)
    cells = {
        (resource, action): reach for resource, given in RIGHTS[DISCREET].items() for action, reach in given.items()
    }
    role_services.change_rights(session, made, cells, rev=made.rev, by=SYSTEM)
    hidden, masked = FieldRule(FieldRight.hidden), FieldRule(FieldRight.masked)
    rules = {("Customer", "phone"): hidden, ("Customer", "note"): hidden, ("Customer", "email"): masked}
    version = field_rights.version_of(field_rights.rules_of(session, made.id))
    field_rights.change(session, made, rules, version=version, by=SYSTEM)
    return made.name


class _Morning:
    """Who did what. Every record carries its own canary, so that whoever is told of it out of turn is found out."""

    def __init__(self, session: Session, cast: Cast, story: Story, made: Company) -> None:
        self.session, self.cast, self.story, self.made = session, cast, story, made

    def passes(self) -> None:
        customers = self._customers()
        self._instances_and_tasks(customers)
        self._handed_over(customers["own"])
        self._sent_on()
        self._twins()
        self._comments_and_files(customers)
        self._private_things()
        self._imports()
        self._bulk_edits()
        self._submissions()
        self._outside()
        self._company()
        number = begun_by_the_first(self.cast)
        self.made.given |= {"@old_file": str(number), "@old_files": f"[{number}]"}

    def _as(self, username: str) -> Any:
        return transaction(self.cast.actor(username))

    def _share(self, resource: str, record_id: int) -> None:
        """With Lan and with Vận hành."""
        with transaction(SYSTEM) as inside:
            for receiver in ({"member_id": self.cast.lan.user_id}, {"team_id": self.cast.team("van-hanh").id}):
                inside.add(Grant(resource=resource, record_id=record_id, right=Right.view, reason="share", **receiver))
            if resource == "Customer":
                inside.flush()
                share = inside.scalars(select(Grant.id).where(Grant.record_id == record_id, Grant.reason == "share"))
                self.made.add("Share", "granted", share.first(), resource=resource, owners=["khoa"], team="kho",
                              granted=["lan", "van-hanh"])  # fmt: skip

    def _customers(self) -> dict[str, int]:
        made = {}
        for state, who in (("own", "lan"), ("other", "khoa"), ("granted", "khoa"), ("archived", "lan")):
            with self._as(who) as inside:
                actor = self.cast.actor(who)
                customer = create_customer(
                    inside, by=actor, name=f"{BIRD} {canary('Customer', state)}", phone=f"09123456{len(made)}8",
                    email=f"thucanary.{state}@phosen.example", note=f"noteVang{state}",
                )  # fmt: skip
                made[state] = customer.id
                team = "cskh" if who == "lan" else "kho"
                given = ["lan", "van-hanh"] if state == "granted" else []
                point = str(customer.contact_points[0].id)
                known = {"owners": [who], "team": team, "granted": given}
                self.made.add("Customer", state, customer.id, marked=True, **known, point=point)
                note = log_interaction(inside, customer, by=actor, kind=InteractionKind.note, text=customer.name)
                bought = add_purchase(
                    inside, customer, by=actor, bought_on=date(2026, 1, 5), product="Sen", amount=1000
                )
                promise = make_promise(inside, customer, by=actor, text="Sen", due_on=date(2099, 1, 5))
                for kind, row in (("Interaction", note), ("Purchase", bought), ("Promise", promise)):
                    self.made.add(kind, state, row.id, resource="Customer", point=str(customer.id), **known)
                self.made.add("ContactPoint", state, customer.contact_points[1].id, resource="Customer", **known)
                set_tags(inside, customer, ["Quen"], by=actor)
        self.made.given["@customer"] = str(made["own"])
        self._share("Customer", made["granted"])
        with transaction(SYSTEM) as inside:
            archive_customer(inside, inside.get_one(Customer, made["archived"]), by=SYSTEM)
            # Nobody has spoken with Lan's for a long time: there is a care task to make. It was not changed by that.
            ensure_targets(inside)
            long_ago = clock.now() - timedelta(days=400)
            inside.execute(update(Customer).where(Customer.id == made["own"]).values(last_contact_at=long_ago))
            for model in (Interaction, Purchase, Promise):
                inside.execute(update(model).values(updated_at=long_ago))
            keeping.renew(inside, [made["own"]])
            self.made.given["@as_of"] = long_ago.isoformat()
        return made

    def _twins(self) -> None:
        """Who is in here twice, and who was."""
        for state, who in (("own", "lan"), ("other", "khoa")):
            known: dict[str, Any] = {
                "resource": "Customer", "owners": [who], "team": "cskh" if who == "lan" else "kho"
            }  # fmt: skip
            with self._as(who) as inside:
                name = f"{BIRD} {canary('TwinCustomer', state)}"
                ids = [create_customer(inside, by=self.cast.actor(who), name=name).id for _one in range(4)]
                pair = DuplicatePair(first_id=ids[0], second_id=ids[1], score=900, reasons=["same_name"])
                inside.add(pair)
                inside.flush()
                self.made.add("TwinCustomer", state, ids[0], marked=True, point=str(ids[1]), **known)
                self.made.add("DuplicatePair", state, pair.id, **known)
            with transaction(SYSTEM) as inside:
                log = merge_customers(inside, by=SYSTEM, kept_id=ids[2], merged_id=ids[3], revs=(1, 1), sides={})
                self.made.add("CustomerMerge", state, log.id, **known)

    def _instances_and_tasks(self, customers: dict[str, int]) -> None:
        for state, who in (("own", "lan"), ("other", "khoa"), ("granted", "khoa"), ("archived", "lan")):
            team = "cskh" if who == "lan" else "kho"
            given = ["lan", "van-hanh"] if state == "granted" else []
            with self._as(who) as inside:
                actor = self.cast.actor(who)
                customer = inside.get_one(Customer, customers["own" if who == "lan" else "other"])
                instance = start_instance(inside, self.story.process(), by=actor, customer=customer)
                number = instance.id
                task_id = open_task(
                    inside, owner_type="instance", owner_id=number, step="receive", token=1000 + number,
                    name=f"{BIRD} {canary('Task', state)}", context="", customer_id=customer.id,
                    offer=Offer(member_id=actor.user_id), deadline=Deadline(), form_version=None, by=SYSTEM,
                )  # fmt: skip
            # Work on it is offered to Vận hành below, and with the work goes the right to look at it.
            reads = ["van-hanh"] if state == "own" else given
            whole = self.made.add("Instance", state, number, owners=[who], team=team, granted=reads)
            self.made.add("Task", state, task_id, marked=True, step_of=whole, owners=[who], team=team, granted=given)
            self._take_back_what_was_offered(number)
            if given:
                self._share("Instance", number)
                self._share("Task", task_id)
            if state == "archived":
                with self._as("lan") as inside:
                    cancel_instance(inside, number, by=self.cast.lan, reason="Khách đổi ý")
            if state == "own":
                with transaction(SYSTEM) as inside:
                    offered = open_task(
                        inside, owner_type="instance", owner_id=number, step="find-order", token=2000,
                        name="Tìm đơn", context="", customer_id=None,
                        offer=Offer(team_id=self.cast.team("van-hanh").id), deadline=Deadline(),
                        form_version=None, by=SYSTEM,
                    )  # fmt: skip
                    self.made.add("Task", "offered", offered, team="van-hanh", offered="van-hanh")

    def _handed_over(self, customer_id: int) -> None:
        """A step of a process, offered to CSKH and given to Lan by Hoa: it can be finished, released and taken back."""
        with self._as("lan") as inside:
            customer = inside.get_one(Customer, customer_id)
            number = start_instance(inside, self.story.process(), by=self.cast.lan, customer=customer).id
        with self._as("hoa") as inside:
            task = inside.scalars(select(Task).where(Task.owner_id == number)).one()
            reassign_task(inside, task.id, self.cast.member("lan"), by=self.cast.hoa, reason="Thay")
            self.made.add("HandedTask", "own", task.id, resource="Task", owners=["lan"], team="cskh")

    def _sent_on(self) -> None:
        """A later step of a process on Lan's desk: it can be sent back to an earlier one."""
        number = self.story.start("lan")
        task_id = self.story.run_to(number, "update").id
        with self._as("hoa") as inside:
            reassign_task(inside, task_id, self.cast.member("lan"), by=self.cast.hoa, reason="Thay")
        self.made.add("LaterTask", "own", task_id, resource="Task", owners=["lan"], team="cskh")

    def _take_back_what_was_offered(self, instance_id: int) -> None:
        """The process itself offered its first step to CSKH: then nobody's instance would be another's."""
        with transaction(SYSTEM) as inside:
            tasks = inside.scalars(select(Task.id).where(Task.owner_id == instance_id))
            reasons = [f"task:{number}" for number in tasks]
            inside.execute(update(Grant).where(Grant.reason.in_(reasons)).values(ended_at=clock.now()))

    def _comments_and_files(self, customers: dict[str, int]) -> None:
        for state, who in (("own", "lan"), ("other", "khoa"), ("granted", "khoa")):
            team = "cskh" if who == "lan" else "kho"
            given = ["lan", "van-hanh"] if state == "granted" else []
            with self._as(who) as inside:
                actor = self.cast.actor(who)
                said = write_comment(
                    inside, "Customer", customers[state], f"{BIRD} {canary('Comment', state)}", by=actor
                )
                about = {"resource": "Customer", "owners": [who], "team": team, "granted": given}
                self.made.add("Comment", state, said.id, marked=True, **about)
                received = files.receive(BytesIO(canary("File", state).encode()), "biên bản.txt")
                kept = files.keep(inside, received, owner_type="comment", owner_id=said.id)
                inside.flush()
                self.made.add("File", state, kept.id, marked=True, **about)
                if state == "own":
                    gone = write_comment(inside, "Customer", customers[state], "Nhầm", by=actor)
                    archive_comment(inside, gone.id, by=actor)
                    self.made.add("ArchivedComment", state, gone.id, **about)

    def _private_things(self) -> None:
        for state, who in (("own", "lan"), ("other", "khoa")):
            actor = self.cast.actor(who)
            with self._as(who) as inside:
                line = post_bell(inside, to=actor.user_id or 0, kind="task_assigned", subject_type="task", subject_id=1,
                                 data={"task": canary("Notification", state), "by": BIRD}, at=clock.now())  # fmt: skip
                view = save_new(inside, "CustomerScreen", canary("SavedView", state), ViewWanted(q=BIRD), by=actor)
                segment = create_segment(inside, Typed(canary("Segment", state), "bought_times >= 1"), by=actor)
                inside.flush()
                self.made.add("Segment", state, segment.id, marked=True, owners=[who])
                held = create_segment(inside, Typed(canary("FrozenSegment", state), "bought_times >= 1"), by=actor)
                freeze(inside, held.id, by=actor)
                self.made.add("FrozenSegment", state, held.id, resource="Segment", marked=True, owners=[who])
                self.made.add("Notification", state, line.id, marked=True, owners=[who])
                self.made.add("SavedView", state, view.id, marked=True, owners=[who])
        for state, who in (("own", "minh"), ("other", "oanh")):
            with self._as(who) as inside:
                wanted = ExportWanted("CustomerScreen", Format.csv)
                export = ask_export(inside, wanted, rows=1, by=self.cast.actor(who))
                self.made.add("Export", state, export.id, owners=[who])
        write_exports()
        with self._as("hoa") as inside:
            waits = ask_export(inside, ExportWanted("CustomerScreen", Format.csv), rows=1, by=self.cast.hoa)
            self.made.add("WaitingExport", "own", waits.id, resource="Export", owners=["hoa"])

    def _imports(self) -> None:
        def bring(by: str, sheet: str) -> int:
            received = files.receive(BytesIO(sheet.encode()), "khách.csv", as_sheet=True)
            with self._as(by) as inside:
                head = imports.read(received)
                return imports.bring(inside, received, ImportTarget.customers, head=head, by=self.cast.actor(by)).id

        def go_on(by: str, number: int, step: Any, **more: Any) -> None:
            with self._as(by) as inside:
                step(inside, inside.get_one(ImportJob, number), by=self.cast.actor(by), **more)

        wishes = Wishes(["name", "phone"])
        for state, who in (("own", "minh"), ("other", "oanh")):
            number = bring(who, "Họ tên,Điện thoại\nPhạm Nhập,0909000111\n")
            self.made.add("Import", state, number, owners=[who])
            number = bring(who, "Họ tên,Điện thoại\nPhạm Nhập,12\n")
            go_on(who, number, imports.check, wishes=wishes)
            self.made.add("ImportRows", state, number, resource="Import", owners=[who])
        made = [bring("hoa", f"Tên,Điện thoại\nLê Nhập,090900022{number}\n") for number in range(4)]
        for number in made[:3]:
            go_on("hoa", number, imports.check, wishes=wishes)
        run_imports()
        go_on("hoa", made[1], imports.apply)
        run_imports()
        go_on("hoa", made[2], imports.apply)
        with self._as("hoa") as inside:
            failed = inside.get_one(ImportJob, made[2])
            failed.phase, failed.status = ImportPhase.failed, LeaseState.dead
        go_on("hoa", made[3], imports.check, wishes=wishes)
        for kind, number in zip(("CheckedImport", "AppliedImport", "FailedImport", "WaitingImport"), made, strict=True):
            self.made.add(kind, "own", number, resource="Import", owners=["hoa"])

    def _bulk_edits(self) -> None:
        def begin(by: str) -> int:
            who = self.cast.actor(by)
            with self._as(by) as inside:
                known = create_customer(inside, by=who, name="Phạm Loạt")
                job = bulk_edits.choose(inside, [known.id], by=who)
                bulk_edits.say(inside, job, {"tier": "vip"}, by=who)
                return job.id

        for state, who in (("own", "minh"), ("other", "oanh")):
            number = begin(who)
            with self._as(who) as inside:
                bulk_edits.apply(inside, inside.get_one(BulkEdit, number), by=self.cast.actor(who))
            self.made.add("BulkEdit", state, number, resource="Customer", owners=[who])
        for kind, phase, status in (
            ("DraftBulkEdit", BulkPhase.draft, LeaseState.held),
            ("WaitingBulkEdit", BulkPhase.applying, LeaseState.waiting),
            ("FailedBulkEdit", BulkPhase.failed, LeaseState.dead),
        ):
            number = begin("hoa")
            with self._as("hoa") as inside:
                job = inside.get_one(BulkEdit, number)
                job.phase, job.status = phase, status
                job.applied_at = None if phase is BulkPhase.draft else clock.now()
            self.made.add(kind, "own", number, resource="Customer", owners=["hoa"])

    def _submissions(self) -> None:
        version = self.session.scalars(select(FormVersion.id).where(FormVersion.state == "published")).first()
        asked = published_version(self.session, "goi-lai")
        assert asked is not None
        self.made.given["@asked"] = str(asked.id)
        for state, who in (("own", "lan"), ("other", "khoa")):
            team = "cskh" if who == "lan" else "kho"
            with self._as(who) as inside:
                given = Submission(
                    form_version_id=asked.id, form_id=asked.form_id,
                    team_id=self.cast.team(team).id,
                    created_by_id=self.cast.actor(who).user_id,
                    answers={"reached": "reached", "satisfied": True, "customer_words": canary("Submission", state)},
                )  # fmt: skip
                inside.add(given)
                inside.flush()
                self.made.add("Submission", state, given.id, marked=True, owners=[who], team=team)
                begun = keep_draft(inside, inside.get_one(FormVersion, version), {}, by=self.cast.actor(who),
                                   customer_id=None, rev=None)  # fmt: skip
                self.made.add("SubmissionDraft", state, begun.id, resource="Submission", owners=[who])

    def _outside(self) -> None:
        with transaction(SYSTEM) as inside:
            self.made.given["@door"], self.made.given["@opened"] = outside.open_form(inside)
            version = published_version(inside, outside.CODE)
            assert version is not None
            self.made.given["@open_version"] = str(version.id)
            for state, team in (("own", "cskh"), ("other", "kho")):
                word = canary("PublicEntry", state)
                entry = outside.put_aside(inside, self.made.given["@door"], team, word)
                self.made.add("PublicEntry", state, entry.id, marked=True, team=team)
            gone = outside.put_aside(inside, self.made.given["@door"], "cskh", "Rác")
            public_forms.refuse(inside, gone.id, by=SYSTEM)
            self.made.add("RefusedEntry", "own", gone.id, resource="PublicEntry", team="cskh")

    def _company(self) -> None:
        story, cast = self.story, self.cast
        entry = self.session.scalars(select(CatalogueEntry.id).order_by(CatalogueEntry.id)).first()
        self.made.add("Process", "other", story.process().id)
        drawing = self.session.scalars(select(ProcessVersion.bpmn)).first()
        self.made.given["@drawing"] = drawing or ""
        self.made.add("CatalogueEntry", "other", entry)
        self._unused()
        with transaction(SYSTEM) as inside:
            mail = queue_mail(inside, to_address="khach@phosen.example", template="task_overdue",
                              values={"task": canary("Outbox", "other")}, language="vi", at=clock.now())  # fmt: skip
            inside.flush()
            self.made.add("Outbox", "other", mail.id, marked=True)
        newest = self.session.scalars(select(func.max(AuditEvent.id))).one()
        self.made.add("AuditEvent", "other", newest, resource="Audit")
        self.made.add("Member", "own", cast.member("lan").id, owners=["lan"])
        self.made.add("Member", "other", cast.member("khoa").id, owners=["khoa"])
        self.made.add("Member", "archived", cast.member("cu").id)
        self.made.add("Team", "own", cast.team("cskh").id, owners=["minh"], team="cskh")
        self.made.add("Team", "other", cast.team("kho").id, owners=["oanh"], team="kho")
        self.made.add("Team", "archived", cast.team("bo-phan-cu").id)

    def _unused(self) -> None:
        """What can be archived, restored, published and let in: nothing hangs on it yet."""
        definition = self.session.scalars(
            select(FormVersion.definition).where(FormVersion.state == "published")
        ).first()
        with transaction(SYSTEM) as inside:
            form = create_form(inside, code="ban-nhap", name={"vi": "Bản nháp"}, by=SYSTEM)
            draft_form(inside, form, definition or {}, by=SYSTEM)
            role = role_services.create_role(inside, label_vi="Trực đêm", by=SYSTEM)
            gone = role_services.create_role(inside, label_vi="Trực ngày", by=SYSTEM)
            role_services.archive_role(inside, inside.get_one(RoleProfile, gone.id), by=SYSTEM)
            team = security.create_team(inside, code="moi", name="Mới", by=SYSTEM)
            waiting = security.create_member(
                inside, username="moi", family_name="Hồ", given_name="Mới", email="moi@phosen.example",
                password_hash="", roles=["Staff"], by=SYSTEM,
            )  # fmt: skip
            waiting.user.active = False
            inside.flush()
            admission.invite_member(inside, waiting, by=SYSTEM)
            self.made.add("Form", "other", form.id)
            old_form = create_form(inside, code="mau-cu", name={"vi": "Mẫu cũ"}, by=SYSTEM)
            drawn = create_process(inside, code="ban-nhap", name="Bản nháp", by=SYSTEM)
            old_process = create_process(inside, code="quy-trinh-cu", name="Quy trình cũ", by=SYSTEM)
            draft_process(inside, drawn, self.made.given["@drawing"], by=SYSTEM)
            place = automatic.drawn(inside, drawn).places[0][0]
            words = [{"field": "a", "value": "1"}]
            automatic.add(inside, drawn, place, name="Đặt", kind="set", words=words, rev=1, by=SYSTEM)
            self.made.given |= {"@draft_place": place, "@draft_rev": str(automatic.drawn(inside, drawn).rev)}
            kho = receivers.save(inside, None, code="kho", name="Kho", url="https://kho.example.vn", by=SYSTEM)
            self.made.given["@receiver"] = str(kho.id)
            for old, kind in ((old_form, "Form"), (old_process, "Process")):
                old.archived_at = clock.now()
                self.made.add(f"Archived{kind}", "archived", old.id, resource=kind)
            self.made.add("Role", "other", role.id)
            self.made.add("Role", "archived", gone.id)
            self.made.add("Team", "unused", team.id)
            self.made.add("Member", "waiting", waiting.id)
