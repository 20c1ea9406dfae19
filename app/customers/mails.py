"""Which mails go to a customer by hand, in the company's words, and when may they not? Each stands on his timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import HiddenField, SelectField, TextAreaField
from wtforms.validators import InputRequired

from app.catalogues import queries as catalogues
from app.catalogues.shipped import CONSENT_PURPOSE
from app.core import clock, guarded, settings
from app.core.access import SYSTEM, Actor, FieldRight
from app.core.errors import BusinessError, InvalidInputError, Sentence
from app.core.i18n import _
from app.customers import delivery, interactions, profile_queries, rules
from app.customers.beside_fields import RESOURCE, SAID
from app.customers.called import salutation
from app.customers.dialogs import checked
from app.customers.events import Draft, QuickAction
from app.customers.models import ContactKind, ContactPoint, Customer
from app.customers.profile_models import ConsentChannel, ConsentState, Interaction, InteractionKind
from app.customers.services import lock_for
from app.notifications.models import Outbox
from app.notifications.queries import mail_settings
from app.notifications.rules import LONGEST_VALUE, NOT_WANTED, Rendered, TemplateKind, register_template
from app.notifications.services import queue_mail, write
from app.security.queries import member_by_id

#: customers write Vietnamese with the company, whatever language its people work in
LANGUAGE = "vi"
#: purposes for which no "yes" has to be there, as long as there is no "no": it goes on with what the customer bought
_WITHOUT_ASKING = frozenset({"care"})

_KEYS: Mapping[str, Sentence] = {
    "salutation": _("How the customer is spoken to"),
    "name": _("Name of the customer"),
    "company": _("Name of the company"),
    "words": _("What the sender adds"),
    "sender": _("Name of the sender"),
    "signature": _("Signature of the sender"),
}
_END_VI = """
{{#if words}}
{{ words }}

{{/if}}
Trân trọng,
{{ sender }}
{{ company }}
{{#if signature}}
{{ signature }}
{{/if}}
"""
_END_EN = _END_VI.replace("Trân trọng", "Kind regards")


def _mail(code: str, label: Sentence, vi: tuple[str, str], en: tuple[str, str]) -> TemplateKind:
    return register_template(
        TemplateKind(
            code=code, label=label, keys=_KEYS,
            shipped={"vi": (vi[0], vi[1] + _END_VI), "en": (en[0], en[1] + _END_EN)},
        )
    )  # fmt: skip


_THANKS = _mail(
    "customer_thanks", _("To a customer: thanks"),
    ("{{ company }} cảm ơn {{ salutation }}",
     "Kính gửi {{ salutation }},\n\nCảm ơn {{ salutation }} đã tin dùng sản phẩm của {{ company }}.\n"),
    ("Thank you from {{ company }}", "Dear {{ name }},\n\nThank you for choosing {{ company }}.\n"),
)  # fmt: skip
_SORRY = _mail(
    "customer_apology", _("To a customer: an apology"),
    ("{{ company }} xin lỗi {{ salutation }}",
     "Kính gửi {{ salutation }},\n\n{{ company }} xin lỗi vì đã để {{ salutation }} chưa hài lòng.\n"),
    ("An apology from {{ company }}", "Dear {{ name }},\n\nWe are sorry that we let you down.\n"),
)  # fmt: skip
_ASKING = _mail(
    "customer_follow_up", _("To a customer: how is everything?"),
    ("{{ company }} hỏi thăm {{ salutation }}",
     "Kính gửi {{ salutation }},\n\n{{ company }} muốn hỏi thăm {{ salutation }} dùng sản phẩm có vừa ý không.\n"),
    ("How is everything?", "Dear {{ name }},\n\nWe would like to know how you are getting on with what you bought.\n"),
)  # fmt: skip
_OFFER = _mail(
    "customer_offer", _("To a customer: an offer"),
    ("[QC] Ưu đãi từ {{ company }}",
     "Kính gửi {{ salutation }},\n\n{{ company }} gửi {{ salutation }} ưu đãi mới.\n"
     "Không muốn nhận thư này nữa, {{ salutation }} chỉ cần trả lời “Từ chối”.\n"),
    ("[AD] An offer from {{ company }}",
     "Dear {{ name }},\n\nWe have a new offer for you. Answer “stop” to get no more of these mails.\n"),
)  # fmt: skip
#: template → what one must have agreed to
PURPOSES: Mapping[str, str] = {
    _THANKS.code: "care", _SORRY.code: "care", _ASKING.code: "care", _OFFER.code: "marketing",
}  # fmt: skip
TEMPLATES: Sequence[TemplateKind] = (_THANKS, _SORRY, _ASKING, _OFFER)


class MayNotBeContactedError(BusinessError):
    """The customer asked to be left alone, or did not agree to this."""

    code = "may_not_be_contacted"
    message = _("This customer may not be contacted.")


def hindrance(customer: Customer, by: Actor) -> Sentence | None:
    """Why no mail at all goes to this customer; None: some may."""
    if customer.do_not_contact:
        return _("Do not contact: %(reason)s", reason=customer.do_not_contact_reason or "")
    if _address(customer, by) is None:
        return _("No e-mail address of this customer is known to you. Add one first.")
    return None


def send_mail(
    session: Session, customer: Customer, *, by: Actor, template: str, words: str = ""
) -> Interaction:  # fmt: skip
    """Put the mail into the outbox, and write it down as a contact with the customer.

    Raises MayNotBeContactedError, and InvalidInputError beside template or words.
    """
    lock_for(session, customer, by, "edit")
    kind, added, point = _allowed(session, customer, by, template, words)
    row = interactions.log_interaction(
        session, customer, by=by, kind=InteractionKind.mail, text=str(added or kind.label), contact_point=point
    )
    mail = queue_mail(
        session, to_address=point.value, template=template, values=_values(session, customer, by, added),
        language=LANGUAGE, at=clock.now(), idempotency_key=delivery.key_of(row),
    )  # fmt: skip
    delivery.follow(session, row, mail, clock.now(), PURPOSES[template])
    row.text = f"{mail.subject}\n\n{mail.body_text}"[: rules.NOTE_LENGTH]
    session.flush()
    return row


def written(
    session: Session, customer: Customer, *, by: Actor, template: str, words: str = ""
) -> tuple[ContactPoint, Rendered]:  # fmt: skip
    """To where send_mail would send it, and what it would say. Raises what send_mail raises."""
    kind, added, point = _allowed(session, customer, by, template, words)
    values = {key: str(one) for key, one in _values(session, customer, by, added).items() if one is not None}
    return point, write(session, kind, LANGUAGE, values)


def _allowed(
    session: Session, customer: Customer, by: Actor, template: str, words: str
) -> tuple[TemplateKind, str, ContactPoint]:  # fmt: skip
    """The template, the sender's words as they are kept, and the address. Raises what send_mail raises."""
    kind = next((one for one in TEMPLATES if one.code == template), None)
    if kind is None:
        raise InvalidInputError(fields={"template": [_("Choose one of the templates.")]})
    try:
        added = rules.read_note(words)
    except rules.UnreadableError as unreadable:
        raise InvalidInputError(fields={"words": [unreadable.sentence]}) from unreadable
    if len(added) > LONGEST_VALUE:
        raise InvalidInputError(fields={"words": [_("At most %(count)d characters, please.", count=LONGEST_VALUE)]})
    why_not = hindrance(customer, by) or _not_agreed(session, customer, by, PURPOSES[template])
    point = _address(customer, by)
    if why_not is not None or point is None:
        raise MayNotBeContactedError(why_not)
    return kind, added, point


def refusal(session: Session, mail: Outbox) -> str | None:
    """Why a mail to a customer that waited does not go out any more: he asked to be left alone, or took back what he
    agreed to. A guard of notifications.events."""
    row = delivery.interaction_of(session, mail)
    if row is None:
        return None
    purpose = delivery.purpose_of(session, row)
    stopped = row.customer.do_not_contact or (purpose and _not_agreed(session, row.customer, SYSTEM, purpose))
    return NOT_WANTED if stopped else None


def may_read(session: Session, mail: Outbox, who: Actor) -> bool:
    """What was written to a customer is what was said to him. A reader rule of notifications.events."""
    return who.reads(RESOURCE, SAID) or delivery.interaction_of(session, mail) is None


def _address(customer: Customer, by: Actor) -> ContactPoint | None:
    """His e-mail address; none for somebody for whom there is no such field. Who sees dots may write, not read it."""
    if by.field_right("Customer", "email") is FieldRight.hidden:
        return None
    return customer.first_contact(ContactKind.email)


def _not_agreed(session: Session, customer: Customer, by: Actor, purpose: str) -> Sentence | None:
    now = profile_queries.consents_now(session, customer.id, by)
    last = now.get(profile_queries.Consent(purpose, ConsentChannel.email))
    label = catalogues.label_of(session, CONSENT_PURPOSE, purpose)
    if last is not None and last.state is ConsentState.withdrawn:
        return _("The customer took back the consent to mails for “%(purpose)s”.", purpose=label)
    if last is None and purpose not in _WITHOUT_ASKING:
        return _("The customer has not agreed to mails for “%(purpose)s”. Ask first, and write the answer down.",
                 purpose=label)  # fmt: skip
    return None


def _values(session: Session, customer: Customer, by: Actor, words: str) -> dict[str, object]:
    sender = member_by_id(session, by.user_id) if by.user_id is not None else None
    called = salutation(session, customer)
    return {
        "salutation": called[:1].lower() + called[1:] if called else customer.name,
        "name": customer.name,
        "company": settings.get(session, "company_name"),
        "words": words or None,
        "sender": sender.name if sender else by.name,
        "signature": sender.signature if sender else None,
    }


class MailDialog(FlaskForm):
    """Which mail, and what to add."""

    template = SelectField(
        _("Template"), [InputRequired(_("Choose one of the templates."))],
        choices=[(one.code, one.label) for one in TEMPLATES], coerce=str,
    )  # fmt: skip
    words = TextAreaField(
        _("Your own words"), [checked(rules.read_note, longest=LONGEST_VALUE)],
        render_kw={"rows": 1, "placeholder": _("Stands in the mail below the words of the template")},
    )  # fmt: skip
    #: by which the mail that was looked at is known again
    seen = HiddenField()


class SendMail(QuickAction):
    """The button "Thư" on the customer's page."""

    key = "thu"
    label = _("Mail")
    icon = "mail"
    verb = _("Send the mail")
    verb_before = _("Look at the mail")
    fields: Sequence[str] = ("template", "words")
    more: Sequence[str] = ()

    def is_for(self, actor: Actor) -> bool:
        return actor.may("edit", "Customer") and actor.writes("Customer", SAID, is_new=True)

    def hindrance(self, customer: Customer, actor: Actor) -> Sentence | None:
        return hindrance(customer, actor)

    def form(self, session: Session, customer: Customer, actor: Actor, typed: Any | None) -> Any:
        return MailDialog(formdata=typed)

    def draft(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Draft | None:
        try:
            point, mail = written(session, customer, by=by, template=form.template.data, words=form.words.data or "")
        except MayNotBeContactedError as error:
            raise InvalidInputError(fields={"template": [error.message]}) from error
        seen, told = form.seen.data, sha256(f"{point.value}\n{mail.subject}\n{mail.text}".encode()).hexdigest()
        if seen == told:
            return None
        form.seen.data = told
        to = guarded.seen(by, RESOURCE, "email", point.shown)
        return Draft(str(to or ""), mail.subject, mail.text, is_again=bool(seen))

    def write(self, session: Session, customer: Customer, form: Any, *, by: Actor) -> Sentence:
        try:
            send_mail(session, customer, by=by, template=form.template.data, words=form.words.data or "")
        except MayNotBeContactedError as error:
            raise InvalidInputError(fields={"template": [error.message]}) from error
        if mail_settings(session).server is None:
            return _("The mail waits in the outbox: it goes out once there is a mail server.")
        return _("The mail is on its way.")
