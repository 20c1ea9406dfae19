"""What did a customer agree to, and what did he take back? Written into a ledger, each time with its proof."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.catalogues.shipped import CONSENT_PURPOSE
from app.core import clock
from app.core.access import Actor
from app.core.files import ReceivedFile, keep
from app.core.i18n import _
from app.customers import beside_fields, rules
from app.customers.models import Customer
from app.customers.profile import Problems, code_of
from app.customers.profile_models import VERSION_LENGTH, ConsentChannel, ConsentEvent, ConsentState
from app.customers.services import lock_for, record_timeline

#: what a proof belongs to: its event, and with that the customer
PROOFS = "consent_event"


def record_consent(
    session: Session,
    customer: Customer,
    *,
    by: Actor,
    purpose: str,
    channel: ConsentChannel,
    state: ConsentState,
    at: datetime | None = None,
    proof: str = "",
    file: ReceivedFile | None = None,
    text_version: str = "",
) -> ConsentEvent:
    """The customer agreed (`given`), or took it back (`withdrawn`), at that moment (None: just now).

    Who agrees has to be shown to have done so: with a proof in words or a file. Raises InvalidInputError beside
    purpose, at, proof or text_version.
    """
    is_proved = bool(proof.strip()) or file is not None
    proves = beside_fields.right_to(by, beside_fields.PROOF, is_new=True) if is_proved else None
    lock_for(session, customer, by, "edit", must=proves)
    now = clock.now()
    event = ConsentEvent(customer_id=customer.id, channel=channel, state=state, at=at or now)
    problems = Problems()
    with problems.beside("purpose"):
        event.purpose = _purpose(session, purpose)
    with problems.beside("at"):
        if event.at > now:
            raise rules.UnreadableError(_("This moment has not come yet."))
        if event.at.date() < rules.EARLIEST:
            raise rules.UnreadableError(rules.TOO_EARLY)
    with problems.beside("proof"):
        event.proof = rules.read_note(proof) or None
        if state is ConsentState.given and event.proof is None and file is None:
            raise rules.UnreadableError(_("Say how the customer agreed: in which call, mail or paper."))
    with problems.beside("text_version"):
        event.text_version = rules.read_line(text_version, VERSION_LENGTH) or None
    problems.refuse_any()
    session.add(event)
    session.flush()
    if file is not None:
        event.file_id = keep(session, file, owner_type=PROOFS, owner_id=event.id).id
        session.flush()
    record_timeline(
        session, customer.id, kind="consent_given" if state is ConsentState.given else "consent_withdrawn", by=by,
        subject_type="consent_event", subject_id=event.id, data={"purpose": event.purpose, "channel": str(channel)},
    )  # fmt: skip
    return event


def _purpose(session: Session, code: str) -> str:
    found = code_of(session, CONSENT_PURPOSE, code)
    if found is None:
        raise rules.UnreadableError(_("Please fill this in."))
    return found
