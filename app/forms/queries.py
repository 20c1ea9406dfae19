"""Which form takes answers now, what does it ask, and what was answered?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, case, false, func, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.catalogues.queries import entries as catalogue_entries
from app.core import links, uses
from app.core.access import Actor, Scope, row_rule, scoped, visible
from app.core.errors import NotAllowedError, NotFoundError
from app.core.files import StoredFile, largest
from app.core.finding import Hit, Rows, kind_of
from app.core.i18n import _
from app.core.leases import LeaseState
from app.core.remembered import kept
from app.customers import search
from app.customers.models import Customer
from app.customers.queries import header_visible
from app.forms import reading, rules
from app.forms.fields.base import Context, FileFacts, FormField, JsonSchema, Kind, Option, Value
from app.forms.models import (
    AnswerFile,
    AnswerIndexing,
    Form,
    FormPurpose,
    FormVersion,
    Submission,
    SubmissionState,
    SubmissionValue,
    VersionState,
)
from app.forms.own_fields.models import CustomerAnswers
from app.forms.words import say
from app.security.grants import granted
from app.security.models import Member, Team

#: answers are read with the record that they were given for, also where it was shared
_ANSWERED_FOR = ("Task", "Instance")
#: so many forms are looked through when somebody types a word
MOST_LOOKED_AT = 1000
#: as what core.files knows the files of answers
FILES = "answer_file"
#: definitions that are kept read, in this process
_MOST_READ = 200
#: so many customers are told of where what was typed may mean several
MOST_MEANT = 5
#: so many members or teams stand in one list to choose from
MOST_OFFERED = 500


@dataclass(frozen=True)
class VisibleCustomers:
    """The customers whose names this actor may read: what a field of type customer asks."""

    session: Session
    actor: Actor

    def name_of(self, record_id: int) -> str | None:
        return self.session.scalar(select(Customer.name).where(Customer.id == record_id, header_visible(self.actor)))

    def names_of(self, ids: Collection[int]) -> dict[int, str]:
        """Of those of them whom he may see."""
        rows = select(Customer.id, Customer.name).where(Customer.id.in_(ids), header_visible(self.actor))
        return {row.id: row.name for row in self.session.execute(rows)}

    def offered(self) -> Sequence[tuple[int, str]]:
        """They are looked up while one types."""
        return ()

    def named(self, words: str) -> Sequence[tuple[int, str]]:
        """(id, "name (code)"): the one who is called exactly so, else all whom a search finds, up to MOST_MEANT."""
        meant = search.found(words, self.actor, limit=MOST_MEANT).limit(MOST_MEANT)
        found = self.session.scalars(meant).unique().all()
        exact = [one for one in found if words.casefold() in (one.name.casefold(), one.code.casefold())]
        return [(one.id, f"{one.name} ({one.code})") for one in (exact if len(exact) == 1 else found)]


@dataclass(frozen=True)
class VisibleMembers:
    """The colleagues whom this actor may see; offered are those who still work here."""

    session: Session
    actor: Actor

    def name_of(self, record_id: int) -> str | None:
        return self.session.scalar(select(Member.name).where(Member.id == record_id, visible(Member, self.actor)))

    def offered(self) -> Sequence[tuple[int, str]]:
        return self._offered

    @cached_property
    def _offered(self) -> Sequence[tuple[int, str]]:
        # Each question and each of its parts asks for the list.
        rows = select(Member.id, Member.name).where(visible(Member, self.actor), Member.deactivated_at.is_(None))
        found = self.session.execute(rows.order_by(Member.sort_key, Member.id).limit(MOST_OFFERED))
        return [(row.id, row.name) for row in found]


@dataclass(frozen=True)
class VisibleTeams:
    """The teams that this actor may see."""

    session: Session
    actor: Actor

    def name_of(self, record_id: int) -> str | None:
        return self.session.scalar(select(Team.name).where(Team.id == record_id, visible(Team, self.actor)))

    def offered(self) -> Sequence[tuple[int, str]]:
        return self._offered

    @cached_property
    def _offered(self) -> Sequence[tuple[int, str]]:
        # Each question and each of its parts asks for the list.
        rows = select(Team.id, Team.name).where(visible(Team, self.actor), Team.archived_at.is_(None))
        found = self.session.execute(rows.order_by(Team.sort_key, Team.id).limit(MOST_OFFERED))
        return [(row.id, row.name) for row in found]


@dataclass(frozen=True)
class AnswerFiles:
    """The files of answers that this actor may read, and those that he sent and has not answered with yet."""

    session: Session
    actor: Actor

    def facts_of(self, file_id: int) -> FileFacts | None:
        try:
            file = answer_file(self.session, file_id, self.actor)
        except NotFoundError:
            return None
        return FileFacts(file.name, file.size, file.content_type, links.file_path(file.id, file.name), file.path)

    def largest(self) -> int:
        return largest(self.session)


def answer_file(session: Session, number: int, actor: Actor) -> StoredFile:
    """Raises NotFoundError when there is none, or none for him: who sees the answers without this one sees no file."""
    answered = select(Submission.id).where(Submission.id == AnswerFile.submission_id, visible(Submission, actor))
    own = and_(AnswerFile.submission_id.is_(None), AnswerFile.created_by_id == actor.user_id)
    found = session.execute(
        select(StoredFile, AnswerFile).join(AnswerFile, AnswerFile.id == StoredFile.owner_id)
        .where(StoredFile.owner_type == FILES, AnswerFile.id == number, or_(own, answered.exists()))
    ).one_or_none()  # fmt: skip
    if found is None or not _reads_file(session, found.AnswerFile, actor):
        raise NotFoundError
    file: StoredFile = found.StoredFile
    return file


def _reads_file(session: Session, file: AnswerFile, actor: Actor) -> bool:
    """Does he read the answer that it belongs to? Before it belongs to one, it is his who sent it."""
    if file.submission_id is None or actor.is_system:
        return True
    one = fields_of(session.get_one(Submission, file.submission_id).version).get(file.field_key)
    return one is not None and reading.is_read(one, _reader(actor))


def files_named(drafts: Iterable[Mapping[str, Any]]) -> set[str]:
    """All texts of drafts that may be the number of a file."""
    several = (texts for typed in drafts for texts in typed.values())
    return {one for texts in several for one in ([texts] if isinstance(texts, str) else texts) if one.isdecimal()}


def waiting_files(session: Session, by: Actor) -> int:
    """How many files he sent for answers that were not given yet."""
    sent = select(func.count(AnswerFile.id)).where(AnswerFile.created_by_id == by.user_id)
    return session.scalar(sent.where(AnswerFile.submission_id.is_(None))) or 0


@dataclass(frozen=True)
class CompanyCatalogues:
    """The small lists of the company as answers to choose from."""

    session: Session

    def options_of(self, catalogue: str) -> tuple[Option, ...]:
        return tuple(
            Option(one.code, {"vi": one.label_vi, "en": one.label_en}, retired=one.retired)
            for one in catalogue_entries(self.session, catalogue)
        )


def context_for(session: Session, actor: Actor, *, before: Mapping[str, Value] | None = None) -> Context:
    """What fields may ask while this actor answers or reads; `before`: the answers that he corrects."""
    return Context(
        customers=VisibleCustomers(session, actor),
        members=VisibleMembers(session, actor),
        teams=VisibleTeams(session, actor),
        files=AnswerFiles(session, actor),
        catalogues=CompanyCatalogues(session),
        time_zone=actor.time_zone,
        me=actor.user_id,
        roles=None if actor.user_id is None else actor.roles,
        rights=reading.rights_of(actor),
        before=before,
    )


def form_by_code(session: Session, code: str) -> Form | None:
    return session.scalars(select(Form).where(Form.code == code)).one_or_none()


def form_for(session: Session, code: str, actor: Actor, action: str = "view") -> Form:
    """The form with this code, if he may do that with it: what every page and every program's door asks first. Not
    there and not his are the same: raises NotFoundError. Seen without the right to `action`: raises NotAllowedError."""
    form = session.scalars(select(Form).where(Form.code == code, visible(Form, actor))).one_or_none()
    if form is None:
        raise NotFoundError
    if action != "view" and not may_with(session, form, actor, action):
        raise NotAllowedError
    return form


def may_with(session: Session, form: Form, actor: Actor, action: str) -> bool:
    """May he do that with this form? What a page offers, and what `form_for` asks."""
    reach = actor.scope("Form", action)
    if reach in (Scope.all, Scope.none):
        return reach is Scope.all
    return session.scalar(select(Form.id).where(Form.id == form.id, visible(Form, actor, action))) is not None


def form_of_purpose(session: Session, purpose: FormPurpose) -> Form | None:
    """The form that draws the fields of such records."""
    return session.scalars(select(Form).where(Form.purpose == purpose)).one_or_none()


def published_version(session: Session, code: str) -> FormVersion | None:
    """The version that takes answers now; None: no such form, or never published."""
    return session.scalars(
        select(FormVersion).join(Form, Form.id == FormVersion.form_id)
        .where(Form.code == code, FormVersion.state == VersionState.published)
    ).one_or_none()  # fmt: skip


def version(session: Session, version_id: int) -> FormVersion | None:
    return session.get(FormVersion, version_id)


def draft_of(session: Session, form: Form) -> FormVersion | None:
    return session.scalars(
        select(FormVersion).where(FormVersion.form_id == form.id, FormVersion.state == VersionState.draft)
    ).one_or_none()


def versions_of(form: Form) -> Select[FormVersion]:
    """All versions, newest first."""
    newest_first = (FormVersion.number.desc(), FormVersion.edition.desc())
    return select(FormVersion).where(FormVersion.form_id == form.id).order_by(*newest_first)


def drawn_of(session: Session, form: Form) -> dict[str, Any]:
    """What is drawn now: the draft, else what is published, else a form that asks nothing. A draft may be
    unfinished."""
    return _drawn(form, draft_of(session, form) or published_version(session, form.code))


def drawn_for(session: Session, form: Form, actor: Actor) -> dict[str, Any]:
    """The same for whoever may draw it; for others what is published."""
    if may_with(session, form, actor, "edit"):
        return drawn_of(session, form)
    return _drawn(form, published_version(session, form.code))


def _drawn(form: Form, version: FormVersion | None) -> dict[str, Any]:
    return version.definition if version is not None else {"name": form.name, "fields": []}


def drawn_fields(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that have a key, also retired ones, in a definition that may be unfinished."""
    fields = definition.get("fields")
    return [
        one for one in fields if isinstance(one, dict) and isinstance(one.get("key"), str)
    ] if isinstance(fields, list) else []  # fmt: skip


@dataclass(frozen=True)
class FieldOf:
    """A field of a form as what others may name (core.uses)."""

    form: Form
    key: str
    #: its place, for the answers of core.uses
    id: int = 0


@dataclass(frozen=True)
class FieldUses:
    """What would miss a field: answers to it are counted up to `uses.MOST_COUNTED`."""

    answers: int
    is_capped: bool
    #: labels of other fields of the form that need its answer
    fields: Sequence[str]
    #: sentences: processes, and whatever else names it
    mentions: Sequence[str]

    @property
    def needed(self) -> bool:
        return bool(self.fields or self.mentions)


def field_uses(session: Session, form: Form, key: str, who: Actor) -> FieldUses:
    """Who uses this field: asked before it is retired. Sentences are told as far as `who` may see."""
    versions = select(FormVersion.id).where(FormVersion.form_id == form.id)
    answered = (
        select(Submission.id).where(Submission.form_version_id.in_(versions), Submission.answers[key].as_string() != "")
        .limit(uses.MOST_COUNTED + 1).subquery()
    )  # fmt: skip
    count = session.scalar(select(func.count()).select_from(answered)) or 0
    if form.purpose is not FormPurpose.answers:
        count = session.scalar(select(func.count()).select_from(_on_records(key))) or 0
    definition = drawn_of(session, form)
    needing = [] if rules.check_definition(definition) else [
        say(one.spec.label) for one in rules.read_definition(definition).needing(key)
    ]  # fmt: skip
    mentions = uses.mentions_of_each(session, [FieldOf(form, key)], who)[0]
    return FieldUses(
        min(count, uses.MOST_COUNTED), count > uses.MOST_COUNTED, needing, uses.mentioned(mentions, lambda told: told)
    )


def _on_records(key: str) -> Any:
    """Customers with something in this own field, up to one more than are counted."""
    said = CustomerAnswers.answers[key]
    rows = select(CustomerAnswers.id).where(said.is_not(None), said.as_string() != "")
    return rows.limit(uses.MOST_COUNTED + 1).subquery()


def submissions_about(subject_type: str, subject_id: int) -> Select[Submission]:
    """What was answered about one thing, oldest first."""
    return (
        select(Submission)
        .where(Submission.subject_type == subject_type, Submission.subject_id == subject_id)
        .order_by(Submission.id)
    )


class _JsonType(FunctionElement[str]):
    """What a value of JSON is, in the words of the database."""

    type = String()
    inherit_cache = True


#: what PostgreSQL and SQLite call a number in JSON
_NUMBERS = ("number", "integer", "real")


@compiles(_JsonType)
@compiles(_JsonType, "sqlite")
def _json_type(element: _JsonType, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_type({compiler.process(element.clauses, **options)})"


@compiles(_JsonType, "postgresql")
def _jsonb_typeof(element: _JsonType, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_typeof({compiler.process(element.clauses, **options)})"


def answered_alike(form_id: int, one: FormField, value: Value) -> Select[int]:
    """The submissions to any version of the form with this same answer that count; while the index does not tell of
    all of them yet (AnswerIndexing), the answers themselves are compared too."""
    wanted = one.type.indexed(value)[0]
    column = getattr(SubmissionValue, str(one.type.index))
    indexed = select(SubmissionValue.submission_id).where(
        SubmissionValue.form_id == form_id, SubmissionValue.field_key == one.key, column == wanted
    )
    answer = Submission.answers[one.key]
    # Under the same key another version may have asked for words: those are no number to be compared.
    same = (
        case((_JsonType(answer).in_(_NUMBERS), answer.as_float() == wanted), else_=false())
        if one.type.index is Kind.number
        else answer.as_string() == str(value)
    )
    unfinished = select(AnswerIndexing.id).where(
        AnswerIndexing.form_id == form_id, AnswerIndexing.status != LeaseState.done
    )
    return select(Submission.id).where(
        Submission.form_id == form_id, Submission.state != SubmissionState.voided,
        or_(Submission.id.in_(indexed), and_(unfinished.exists(), same)),
    )  # fmt: skip


def readable_answers(submission: Submission, actor: Actor, context: Context | None = None) -> dict[str, Any]:
    """The answers by key as he may read them: without what is hidden from him, with dots where he reads dots."""
    return answers_as_read(submission.version, submission.answers, actor, context)


def answers_as_read(
    version: FormVersion, answers: Mapping[str, Any], actor: Actor, context: Context | None = None
) -> dict[str, Any]:
    """The same of answers to this version that stand somewhere else."""
    if actor.is_system:
        return dict(answers)
    context = context or _reader(actor)
    return reading.readable(fields_of(version), answers, context)


def _reader(actor: Actor) -> Context:
    return Context(roles=actor.roles, rights=reading.rights_of(actor), time_zone=actor.time_zone)


def definition_of(version: FormVersion) -> rules.Definition:
    """What a published version asks. Raises KeyError for a draft that is not finished."""
    return read_of(version).asked


def fields_of(version: FormVersion) -> Mapping[str, FormField]:
    """Every question of a published version that takes answers, by key; also those that nobody is asked any more."""
    return read_of(version).fields


@dataclass(frozen=True, eq=False)
class Read:
    """A definition that was read: one object for each, so that what is made of it can be kept by it."""

    asked: rules.Definition
    #: also those that nobody is asked any more
    fields: Mapping[str, FormField]


def read_of(version: FormVersion) -> Read:
    """Read once a process. Raises KeyError for half a draft.

    Answers that were given before are read by those who may read them both under the version of their own and under
    the one that is published now: whoever draws a question tighter means what was answered to it, too.
    """
    own = _read(_drawn_as(version))
    now = version.form.active_version if version.state is VersionState.archived else None
    return own if now is None else _guarded(own, (_read(_drawn_as(now)),))


def read_over_versions(session: Session, version: FormVersion) -> Read:
    """The published version with each question as narrow as in any version of the form: by what stands in a filter,
    an order or a chart, answers to all of them are found out."""
    published = FormVersion.form_id == version.form_id, FormVersion.published_at.is_not(None)
    checksums = frozenset(session.scalars(select(FormVersion.checksum).where(*published)))
    known = _over_versions.get(version.form_id)
    if known is None or known[0] != (version.id, checksums):
        others = {_drawn_as(one): None for one in session.scalars(select(FormVersion).where(*published))}
        found = _guarded(_read(_drawn_as(version)), tuple(map(_read, others)))
        known = _over_versions[version.form_id] = (version.id, checksums), found
    return known[1]


# Form → (its published version with the checksums of all that ever were, what that comes to). One entry a form.
_over_versions: dict[int, tuple[tuple[int, frozenset[str]], Read]] = kept({})


@lru_cache(_MOST_READ)
def _guarded(own: Read, others: tuple[Read, ...]) -> Read:
    fields = {
        key: reading.guarded(one, [other.fields[key].spec for other in others if key in other.fields])
        for key, one in own.fields.items()
    }
    if all(one is own.fields[key] for key, one in fields.items()):
        return own
    asked = tuple(fields.get(one.key, one) for one in own.asked.fields)
    return Read(replace(own.asked, fields=asked), fields)


def _drawn_as(version: FormVersion) -> _Drawn:
    return _Drawn(version.checksum, version.definition)


@dataclass(frozen=True)
class _Drawn:
    """A definition that is known by its checksum."""

    checksum: str
    definition: Mapping[str, Any] = field(compare=False)


@lru_cache(_MOST_READ)
def _read(drawn: _Drawn) -> Read:
    found = rules.read_definition(drawn.definition)
    retired = [rules.read_field(one) for one in drawn_fields(drawn.definition) if one.get("retired")]
    return Read(found, {one.key: one for one in (*found.fields, *retired) if one.type.has_answer})


def json_schema(version: FormVersion, *, context: Context | None = None) -> JsonSchema:
    """JSON Schema (2020-12) of the answers to this version, in the reader's language."""
    return rules.json_schema(definition_of(version), context or Context())


@row_rule(Form)
def _forms(actor: Actor, action: str) -> ColumnElement[bool]:
    return scoped(actor.scope("Form", action), actor, owner_id=Form.created_by_id)


@row_rule(Submission)
def _submissions(actor: Actor, action: str) -> ColumnElement[bool]:
    scope = actor.scope("Submission", action)
    by_scope = scoped(scope, actor, owner_id=Submission.created_by_id, team_id=Submission.team_id)
    if action != "view" or not actor.may("view", "Submission"):
        return by_scope
    shared = (
        and_(Submission.subject_type == kind_of(resource), granted(resource, Submission.subject_id, actor))
        for resource in _ANSWERED_FOR
    )
    return or_(by_scope, *shared)


_NAMES = select(Form.id, Form.name, Form.code)


def _hit(form: Any) -> Hit:
    return Hit(form.id, form.name, str(_("Form")), links.form_path(form.id))


def _by_name(who: Actor) -> Select[int, str, str, str]:
    """Found by words of name or code. A company has some dozens of them."""
    nothing: ColumnElement[str] = literal_column("''")
    rows = select(Form.id, Form.name, Form.code.label("second"), nothing.label("third"))
    return rows.where(visible(Form, who))


FOUND = Rows(_by_name, (Form.name, Form.id), MOST_LOOKED_AT, lambda row, _who: _hit(row))


def named_forms(session: Session, who: Actor, ids: Collection[int]) -> list[Hit]:
    return [_hit(one) for one in session.execute(_NAMES.where(Form.id.in_(ids), visible(Form, who)))]
