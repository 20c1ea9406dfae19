"""A form is opened to everybody and shut again; what came in through it becomes a submission, or is put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, auto
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.catalogues.queries import offered
from app.catalogues.shipped import CONSENT_PURPOSE
from app.core import clock
from app.core.access import SYSTEM, Actor, get_visible, visible
from app.core.db import queue_up
from app.core.errors import BusinessError, ConflictError, InvalidInputError, Sentence, TooManyRequestsError
from app.core.i18n import DEFAULT_LANGUAGE, _, in_language
from app.core.leases import LeaseState
from app.customers.consent import record_consent
from app.customers.duplicates import hard
from app.customers.duplicates.hard import HardKey
from app.customers.models import SOURCES, ContactKind, Customer
from app.customers.profile import Problems, code_of
from app.customers.profile_models import ConsentChannel, ConsentState
from app.customers.rules import UnreadableError, read_contact
from app.customers.services import CustomerArchivedError, create_customer, record_timeline
from app.forms import queries as forms
from app.forms import services as submissions
from app.forms.fields.settings import CUSTOMER_VALUES
from app.forms.models import Form, FormPurpose, FormVersion, Submission, SubmissionSource
from app.forms.public import queries, rules
from app.forms.public.models import EntryState, PublicEntry, PublicLink
from app.forms.public.rules import OpenedPage, Person
from app.forms.rules import Answers, Problem, canonical, read_definition
from app.forms.words import say
from app.security.models import Team

LONGEST_THANKS = 2_000
_HIS_OWN: Sentence = _("Whoever took in his answers from a public form found that he is somebody else.")
_FROM_ONE_NETWORK: Sentence = _(
    "Too many answers have come from your network. Nothing is lost: wait a few minutes and send once more."
)
_TO_ONE_FORM: Sentence = _(
    "Too many answers are coming to this form just now. Nothing is lost: wait a few minutes and send once more."
)
#: as what a submission names the entry it came of
SUBJECT = "public_entry"


class HoldError(BusinessError):
    """Somebody has to look at it first. `reason` is a code of rules.REASONS."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(rules.REASONS[reason])


class NotWaitingError(ConflictError):
    """Somebody else, or the worker, was faster."""

    message = _("This was decided in the meantime.")


class SentAlreadyError(ConflictError):
    """Whoever went back to his page says something else now."""

    message = _("This page was sent already, with other answers. To send these as well, send it once more.")


class Whom(StrEnum):
    """For whom somebody takes it in, where it is none of those who are here."""

    #: whoever it names is a customer of his own, though others have his number
    new = auto()
    #: it is about nobody
    nobody = auto()


@dataclass(frozen=True)
class Candidate:
    """A customer who has the number, address or tax code that was typed. `found_by`: codes of hard.HardField."""

    customer: Customer
    found_by: Sequence[str]


@dataclass(frozen=True)
class Arrival:
    """What comes with answers from outside. `trap` is what stands in the field that people do not see."""

    page: OpenedPage
    address_key: str
    trap: str = ""
    campaign: str = ""
    medium: str = ""
    came_from: str = ""


# ── the door ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def set_link(
    session: Session, form: Form, *, by: Actor, source: str | None, team: Team | None, thanks: str, sites: str
) -> PublicLink:
    """How the form is open to everybody. The first time its door is made, and stays shut until `open_link`.

    Raises InvalidInputError beside source, thanks and sites.
    """
    by.must("approve", "Form")
    link = _locked(session, form)
    if link is None:
        link = PublicLink(form_id=form.id, key=rules.new_key(), created_by_id=by.user_id)
        session.add(link)
    problems = Problems()
    with problems.beside("source"):
        link.source = code_of(session, SOURCES, source)
    with problems.beside("thanks"):
        link.thanks = thanks.replace("\r\n", "\n").strip()
        if len(link.thanks) > LONGEST_THANKS or "\0" in link.thanks:
            raise UnreadableError(_("At most %(limit)d characters, please.", limit=LONGEST_THANKS))
    problems.refuse_any()
    link.sites = rules.read_sites(sites)
    link.team_id = team.id if team is not None else None
    session.flush()
    return link


def open_link(session: Session, form: Form, *, by: Actor) -> PublicLink:
    """From now on everybody who has the address answers. Raises why this form cannot be asked of everybody."""
    by.must("approve", "Form")
    version = forms.published_version(session, form.code)
    if version is None:
        raise submissions.FormNotPublishedError
    if form.archived_at is not None:
        raise submissions.FormRetiredError
    if form.purpose is not FormPurpose.answers:
        raise BusinessError(_("This form adds fields to customers: nobody fills it in by itself."))
    refuse_closed(version)
    link = _locked(session, form)
    if link is None:
        link = set_link(session, form, by=by, source="website", team=None, thanks="", sites="")
    link.opened_at = link.opened_at or clock.now()
    session.flush()
    return link


def close_link(session: Session, form: Form, *, by: Actor) -> PublicLink | None:
    """Nobody answers any more; what came in goes its way. The address stays the same for the next opening."""
    by.must("approve", "Form")
    link = _locked(session, form)
    if link is not None:
        link.opened_at = None
        session.flush()
    return link


def renew_link(session: Session, form: Form, *, by: Actor) -> PublicLink | None:
    """A new address; the old one leads nowhere from now on."""
    by.must("approve", "Form")
    link = _locked(session, form)
    if link is not None:
        link.key = rules.new_key()
        session.flush()
    return link


def stays_open(session: Session, form: Form, definition: Mapping[str, Any]) -> list[Problem]:
    """While the form stands open, nothing can be published in it that cannot be asked of everybody."""
    link = queries.link_of(session, form)
    if link is None or not link.is_open:
        return []
    drawn = read_definition(definition)
    closed = set(rules.closed_to_all(drawn))
    told = _("The form stands open to everybody, and this cannot be asked without an account. Close it first.")
    return [
        Problem(f"fields[{number}]", "closed_to_all", told)
        for number, one in enumerate(definition["fields"]) if one.get("key") in closed
    ]  # fmt: skip


def refuse_closed(version: FormVersion) -> None:
    """Raises BusinessError that names the questions which cannot be asked of everybody."""
    definition = forms.definition_of(version)
    closed = set(rules.closed_to_all(definition))
    if closed:
        names = ", ".join(f"“{say(one.spec.label)}”" for one in definition.fields if one.key in closed)
        told = _("These questions cannot be asked without an account, since they show who is in the company or bring"
                 " files: %(names)s. Copy the form without them.", names=names)  # fmt: skip
        raise BusinessError(told)


def _locked(session: Session, form: Form) -> PublicLink | None:
    # Two who open it at once: the second finds the door of the first.
    queue_up(session, f"public link {form.id}")
    link = queries.link_of(session, form)
    if link is not None:
        session.refresh(link, with_for_update=True)
    return link


# ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(
    session: Session, link: PublicLink, version: FormVersion, answers: Answers, arrival: Arrival
) -> PublicEntry | None:
    """Keep what was answered; the worker goes on with it, so that the answer takes as long for everybody.

    None: this was sent before, and counts once: the same page, or the same answers of somebody who went back to it.
    Raises SentAlreadyError where the page has other answers now, and TooManyRequestsError; after either nothing is
    kept.
    """
    now = clock.now()
    queue_up(session, f"public entry {arrival.address_key}")
    since = now - rules.WINDOW
    of_address = queries.came_since(session, since, address_key=arrival.address_key)
    sent = session.scalar(select(PublicEntry.answers).where(PublicEntry.nonce == arrival.page.nonce))
    if sent is not None:
        if canonical(sent) == canonical(dict(answers.values)):
            return None
        raise SentAlreadyError
    # Of answers that name nobody, two alike may be of two people behind one address.
    if rules.person_in(forms.definition_of(version), answers).can_be_known and queries.came_before(
        session, since, address_key=arrival.address_key, link_id=link.id, answers=answers.values
    ):
        return None
    if of_address >= rules.TOO_MANY:
        raise _later(_FROM_ONE_NETWORK)
    took, of_form = now - arrival.page.at, queries.came_since(session, since, link_id=link.id)
    reasons = rules.looks_odd(
        answers.values, trap=arrival.trap, took=took, of_address=of_address, of_form=of_form
    )  # fmt: skip
    # Whoever floods it from everywhere does not fill the disk.
    if of_form >= rules.TOO_MANY_TO_FORM or (reasons and queries.held_of(session, link.id) >= rules.MOST_HELD):
        raise _later(_TO_ONE_FORM)
    entry = PublicEntry(
        link_id=link.id, form_version_id=version.id, team_id=link.team_id, answers=dict(answers.values),
        state=EntryState.held if reasons else EntryState.received, reasons=reasons,
        status=LeaseState.held if reasons else LeaseState.waiting,
        nonce=arrival.page.nonce, address_key=arrival.address_key, seconds=int(took.total_seconds()),
        campaign=arrival.campaign, medium=arrival.medium, came_from=arrival.came_from,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    return entry


def _later(why: Sentence) -> TooManyRequestsError:
    return TooManyRequestsError(why, retry_after=int(rules.WINDOW.total_seconds()))


def take(session: Session, entry: PublicEntry, *, chosen: int | Whom | None = None) -> Submission:
    """It becomes a submission, about whomever it says it comes from: found by number or address, else a new customer.
    `chosen`: somebody has said who it is (a customer that he sees, not archived), so that nobody is looked for.

    Raises HoldError where somebody has to look at it, and what `create_customer` and `submit` raise.
    """
    link, version = entry.link, entry.version
    # Nobody's own work: the customer and the submission are the team's.
    by = replace(SYSTEM, primary_team_id=entry.team_id)
    answers = Answers(entry.answers)
    person = rules.person_in(forms.definition_of(version), answers)
    with in_language(DEFAULT_LANGUAGE):
        customer_id, is_new = _customer(session, link, person, by, chosen)
        submission = submissions.submit(
            session, version, answers, by=by, subject_type=SUBJECT, subject_id=entry.id,
            customer_id=customer_id, source=SubmissionSource.public,
        )  # fmt: skip
    if customer_id is not None:
        record_timeline(
            session, customer_id, kind="form_sent", by=by, at=entry.created_at, data={"form": version.form.name},
            subject_type="submission", subject_id=submission.id,
        )  # fmt: skip
        if is_new:
            _consents(session, customer_id, person, entry, by)
    entry.state, entry.submission_id = EntryState.taken, submission.id
    session.flush()
    return submission


def accept(session: Session, entry_id: int, *, by: Actor, chosen: int | Whom | None = None) -> Submission:
    """Somebody found that it is right: it becomes a submission now. What the worker met is met again, and told, unless
    it is said who it is. Raises NotFoundError for a customer out of his sight, CustomerArchivedError."""
    entry = _waiting(session, entry_id, by)
    if isinstance(chosen, int) and get_visible(session, Customer, chosen, by).is_archived:
        raise CustomerArchivedError
    entry.decided_by_id = by.user_id
    submission = take(session, entry, chosen=chosen)
    settle(entry)
    session.flush()
    return submission


def candidates(session: Session, entry: PublicEntry, who: Actor) -> tuple[list[Candidate], int]:
    """Who it may come from, as far as he sees them, and how many more there are."""
    person = rules.person_in(forms.definition_of(entry.version), Answers(entry.answers))
    found: dict[int, list[str]] = {}
    for key, numbers in hard.holders(session, _keys(person)).items():
        for number in numbers:
            found.setdefault(number, []).append(str(key.field))
    rows = select(Customer).where(Customer.id.in_(found), visible(Customer, who))
    seen = [Candidate(one, sorted(set(found[one.id]))) for one in session.scalars(rows.order_by(Customer.id))]
    return seen, len(found) - len(seen)


def refuse(session: Session, entry_id: int, *, by: Actor) -> PublicEntry:
    """Somebody found that it is nothing. It stays to be looked at for a while, and can be taken after all."""
    entry = _waiting(session, entry_id, by)
    entry.state, entry.decided_by_id = EntryState.refused, by.user_id
    settle(entry)
    session.flush()
    return entry


def put_back(session: Session, entry_id: int, *, by: Actor) -> PublicEntry:
    """What was refused waits to be looked at again."""
    entry = _waiting(session, entry_id, by, state=EntryState.refused)
    entry.state, entry.status, entry.decided_by_id, entry.finished_at = EntryState.held, LeaseState.held, None, None
    session.flush()
    return entry


def hold_back(session: Session, entry: PublicEntry, reason: str) -> None:
    """The worker does not go on with it: a person looks at it."""
    entry.state, entry.status = EntryState.held, LeaseState.held
    entry.reasons = [*entry.reasons, reason] if reason not in entry.reasons else entry.reasons
    session.flush()


def forget(session: Session, *, at: datetime) -> None:
    """What was refused, and what nobody decided on for so long, is gone with what it told about people."""
    refused = (PublicEntry.state == EntryState.refused) & (PublicEntry.finished_at < at - rules.REFUSED_LASTS)
    held = (PublicEntry.state == EntryState.held) & (PublicEntry.updated_at < at - rules.HELD_LASTS)
    session.execute(delete(PublicEntry).where(refused | held).execution_options(synchronize_session=False))


def _waiting(
    session: Session, entry_id: int, by: Actor, *, state: EntryState = EntryState.held
) -> PublicEntry:  # fmt: skip
    by.must("approve", "PublicEntry")
    entry = session.get_one(PublicEntry, entry_id, with_for_update=True, populate_existing=True)
    if entry.state is not state:
        raise NotWaitingError
    return entry


def settle(entry: PublicEntry) -> None:
    """The worker has nothing left to do with it."""
    entry.status, entry.finished_at = LeaseState.done, clock.now()


def _customer(
    session: Session, link: PublicLink, person: Person, by: Actor, chosen: int | Whom | None
) -> tuple[int | None, bool]:
    """Who it is, and whether he is new. What stands in the record of somebody who is here already stays as it is:
    nobody has shown that he is the one."""
    if isinstance(chosen, int):
        return chosen, False
    if chosen is Whom.nobody or (not person.can_be_known and chosen is not Whom.new):
        return None, False
    keys = _keys(person)
    hard.hold(session, keys)
    known = hard.holders(session, keys) if chosen is None else {}
    ids = {number for numbers in known.values() for number in numbers}
    if len(ids) > 1:
        raise HoldError("several")
    if ids:
        (number,) = ids
        archived_at = session.scalar(
            select(Customer.archived_at).where(Customer.id == number).with_for_update(read=True)
        )
        if archived_at is not None:
            raise HoldError("archived")
        return number, False
    if not person.can_be_made:
        if chosen is Whom.new:
            raise InvalidInputError(fields={"whom": [_("Choose whose answers these are.")]})
        return None, False
    made = create_customer(
        session, by=by, name=str(person.values["name"]), phone=_text(person, "phone"), email=_text(person, "email"),
        note=_text(person, "note"), source=link.source, **_profile(person),
        duplicate_reason=str(_HIS_OWN) if chosen is Whom.new else None,
    )  # fmt: skip
    return made.id, True


def _keys(person: Person) -> list[HardKey]:
    """By what he is known."""
    keys = {
        hard.contact_key(kind, read_contact(kind, str(person.values[target])).value)
        for target, kind in (("phone", ContactKind.phone), ("email", ContactKind.email)) if target in person.values
    }  # fmt: skip
    keys.add(hard.tax_key(_text(person, "tax_code")))
    return sorted((key for key in keys if key is not None), key=str)


def _text(person: Person, target: str) -> str | None:
    value = person.values.get(target)
    return None if value is None else str(value)


def _profile(person: Person) -> Any:
    """What of the rest goes into a new customer's profile."""
    assert set(person.values) <= set(CUSTOMER_VALUES)
    address: Mapping[str, str] = person.values.get("address") or {}
    birthday = person.values.get("birthday")
    found = {
        "birthday": datetime.fromisoformat(birthday).date() if birthday else None,
        "tax_code": person.values.get("tax_code"),
        "id_number": person.values.get("id_number"),
        "street": address.get("street"),
        "ward_code": address.get("ward"),
        "province_code": address.get("province"),
    }
    return {key: value for key, value in found.items() if value}


def _consents(session: Session, customer_id: int, person: Person, entry: PublicEntry, by: Actor) -> None:
    """The form is the proof: which one, in which version, and when. Only of somebody who comes in with it; of others
    anybody could say so."""
    customer = session.get_one(Customer, customer_id)
    in_use = {code for code, _label in offered(session, CONSENT_PURPOSE)}
    for one in person.consents:
        if one.purpose not in in_use:
            continue
        record_consent(
            session, customer, by=by, purpose=one.purpose, channel=ConsentChannel(one.channel),
            state=ConsentState.given, at=entry.created_at,
            proof=str(_("He said yes himself in the public form “%(form)s” (no. %(number)d).",
                        form=entry.version.form.name, number=entry.id)),
            text_version=f"{entry.version.form.code} {entry.version.number}.{entry.version.edition}",
        )  # fmt: skip
