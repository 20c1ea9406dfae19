"""What does a process do by itself? Mails go out and customers are changed, in the transaction of the process.

What is refused stops the branch for an administrator, with the reason; nobody's work is refused because of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core import clock, links, settings
from app.core.access import SYSTEM
from app.core.errors import BusinessError, InvalidInputError
from app.core.i18n import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE, _, in_language
from app.core.screens import extra
from app.customers.delivery import key_of
from app.customers.mails import send_mail
from app.customers.models import Customer
from app.customers.services import change_customer, lock_for
from app.customers.tags import set_tags, worn
from app.forms import queries as forms
from app.forms.fields.base import Context
from app.forms.fields.choice import ChoiceType, all_options
from app.forms.models import FormVersion
from app.forms.queries import CompanyCatalogues
from app.forms.words import say
from app.notifications.rules import is_address
from app.notifications.services import queue_mail
from app.processes import mails, queries, telling
from app.processes.engine.core import Decision
from app.processes.engine.events import BeginErrand, Done, Event, Failed
from app.processes.engine.graph import Node
from app.processes.engine.outside import OF_CUSTOMER, OWN, MailSpec, SetSpec, TellSpec
from app.processes.engine.state import Data, IncidentCode, State
from app.processes.engine.timing import parse_moment
from app.processes.engine.waits import set_values
from app.processes.models import ProcessInstance
from app.processes.rules import CUSTOMER_FIELDS, CUSTOMER_LISTS
from app.security.models import Member

#: by what is done: what an event at the edge of a task waits for to catch that it was refused, and why an admin is
#: needed if none does
_REFUSED = {
    MailSpec: (mails.MAIL_REFUSED, IncidentCode.mail_failed),
    SetSpec: ("RECORD_REFUSED", IncidentCode.record_refused),
    TellSpec: ("MESSAGE_REFUSED", IncidentCode.message_failed),
}


class NobodyToWriteToError(BusinessError):
    code = "nobody_to_write_to"
    message = _("There is nobody to whom this mail could go.")


def begun(decision: Decision) -> list[BeginErrand]:
    """What has just been asked for."""
    return [command for command in decision.commands if isinstance(command, BeginErrand)]


def run(session: Session, instance: ProcessInstance, state: State, command: BeginErrand) -> Event | None:
    """Do it now; the event that tells how it went, or None where that is not known yet. What was refused leaves nothing
    behind."""
    node = queries.definition_of(instance.version).nodes[command.node]
    try:
        with session.begin_nested():
            values = _run(session, instance, state.data, node, command.token)
            session.flush()
    except telling.MessageCircleError as refusal:
        return Failed(command.token, None, IncidentCode.automatic_loop, _why(refusal))
    except BusinessError as refusal:
        error, code = next(told for kind, told in _REFUSED.items() if isinstance(node.outside, kind))
        return Failed(command.token, error, code, _why(refusal))
    return None if node.takes_time else Done(command.token, values)


def _run(session: Session, instance: ProcessInstance, data: Data, node: Node, token: int) -> Mapping[str, object]:
    match node.outside:
        case MailSpec() as spec:
            key = _mail(session, instance, data, node, spec, token)
            if spec.waits:
                mails.await_mail(session, instance, token, key)
        case TellSpec() as spec:
            telling.tell(session, instance, data, spec, token)
        case SetSpec():
            values = set_values(node, data, clock.today(DEFAULT_TIME_ZONE))
            _change_customer(session, instance, node.outside, values)
            return {key: value for key, value in values.items() if not key.startswith(OF_CUSTOMER)}
    return {}


def _why(refusal: BusinessError) -> str:
    if isinstance(refusal, InvalidInputError):
        told = [str(sentence) for sentences in refusal.fields.values() for sentence in sentences]
        return (" ".join(told) or str(refusal))[:500]
    return str(refusal)[:500]


# ── mails ──
def _mail(session: Session, instance: ProcessInstance, data: Data, node: Node, spec: MailSpec, token: int) -> str:
    """Put it into the outbox; by what that knows it. Raises BusinessError when there is nobody, or he may not be
    written to."""
    words = data.get(spec.words) if spec.words else None
    added = str(words) if isinstance(words, str | int | float) else ""
    if spec.to == "customer":
        if instance.customer is None:
            raise NobodyToWriteToError(_("This process file is about no customer, so there is nobody to write to."))
        return key_of(send_mail(session, instance.customer, by=SYSTEM, template=spec.template, words=added))
    member, address = _recipient(instance, data, spec.to)
    key = f"process:{instance.id}:{token}"
    queue_mail(
        session,
        to_address=address,
        template=spec.template,
        values={
            "name": member.name if member else address,
            "process": instance.version.process.name,
            "code": instance.code,
            "step": node.title,
            "customer": instance.customer.name if instance.customer else None,
            "words": added or None,
            "company": settings.get(session, "company_name"),
            "link": links.absolute(links.instance_path(instance.id)) if member else None,
        },
        language=member.language if member else "",
        at=clock.now(),
        to_user_id=member.id if member else None,
        idempotency_key=key,
    )
    return key


def _recipient(instance: ProcessInstance, data: Data, to: str) -> tuple[Member | None, str]:
    if to.startswith("field:"):
        address = data.get(to.removeprefix("field:"))
        if not isinstance(address, str) or not address.strip():
            raise NobodyToWriteToError(_("The field that is to hold the address is empty."))
        if not is_address(address.strip()):
            raise NobodyToWriteToError(_("“%(value)s” is no e-mail address.", value=address[:60]))
        return None, address.strip()
    member: Member | None = instance.initiator
    if to == "owner":
        member = instance.customer.owner if instance.customer else None
    if member is None or not member.is_active or not member.email:
        raise NobodyToWriteToError
    return member, member.email


# ── the customer ──
def _change_customer(
    session: Session, instance: ProcessInstance, spec: SetSpec, values: Mapping[str, object]
) -> None:  # fmt: skip
    """By the rights of the system; told in the timeline as every change is. Raises BusinessError."""
    if instance.customer_id is None:
        raise BusinessError(_("This process file is about no customer, so nothing can be set of one."))
    said = {key.removeprefix(OF_CUSTOMER): value for key, value in values.items() if key.startswith(OF_CUSTOMER)}
    own = {field.removeprefix(OWN): said[field] for field in said if field.startswith(OWN)}
    added = extra.extra_of("Customer")
    unknown = next(
        (field for field in said if field not in CUSTOMER_FIELDS and (added is None or not field.startswith(OWN))), None
    )
    if unknown is not None:
        raise BusinessError(_("“%(field)s” of a customer cannot be set by a process.", field=unknown))
    # Locked before it is read: whoever changed him just now is not taken for somebody who changes him under our hands.
    customer = session.get_one(
        Customer, instance.customer_id, populate_existing=True, with_for_update={"key_share": True}
    )
    lock_for(session, customer, SYSTEM, "edit")
    columns: dict[str, Any] = {
        field: _as_kept(field, value) for field, value in said.items()
        if field not in CUSTOMER_LISTS and not field.startswith(OWN)
    }  # fmt: skip
    if columns:
        change_customer(session, customer, by=SYSTEM, rev=customer.rev, **columns)
    if "tags" in said:
        words = _words(session, instance, spec, said["tags"])
        set_tags(session, customer, [*(tag.name for tag in worn(session, [customer.id]).get(customer.id, ())), *words],
                 by=SYSTEM)  # fmt: skip
    if own and added is not None:
        added.save(session, customer.id, own, by=SYSTEM, is_new=False, is_whole=False)


def _words(session: Session, instance: ProcessInstance, spec: SetSpec, value: object) -> list[str]:
    """What was answered as words to stand on the customer: chosen answers as they are called."""
    key = next(value.key for target, value in spec.values if target == f"{OF_CUSTOMER}tags").rpartition(".")[2]
    called: dict[object, str] = {}
    catalogues = CompanyCatalogues(session)
    with in_language(DEFAULT_LANGUAGE):
        for version_id in instance.version.form_pins.values():
            one = forms.fields_of(session.get_one(FormVersion, version_id)).get(key)
            if one is not None and isinstance(one.type, ChoiceType):
                called |= {
                    option.value: say(option.label) for option in all_options(one.spec, Context(catalogues=catalogues))
                }
    several = value if isinstance(value, list) else [] if value in (None, "") else [value]
    return [called.get(one, str(one)) for one in several]


def _as_kept(field: str, value: object) -> object:
    if isinstance(value, list):
        if value:
            raise BusinessError(_("“%(field)s” of a customer takes one value, not several.", field=field))
        value = None
    if field != "next_contact_on" or value is None:
        return None if value is None else str(value)
    try:
        moment = parse_moment(str(value).strip().replace(" ", "T", 1))
    except ValueError:
        raise BusinessError(_("“%(value)s” is no day.", value=str(value)[:40])) from None
    # The day on the company's walls: before seven in the morning it is still yesterday in Greenwich.
    return (moment.astimezone(ZoneInfo(DEFAULT_TIME_ZONE)) if moment.tzinfo else moment).date()
