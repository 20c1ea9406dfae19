"""Which forms are there, in which versions, and what was answered under which?"""

from __future__ import annotations

import datetime as dt
from datetime import datetime
from enum import StrEnum, auto
from typing import Any, ClassVar

from sqlalchemy import Case, CheckConstraint, Double, ForeignKey, Index, String, UniqueConstraint, case, text, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Entity, Json, Revisioned, Stamped, UtcDateTime, stored
from app.core.ddl import declare, refuse_changes
from app.core.leases import Leased, lease_indexes


class VersionState(StrEnum):
    """A draft is drawn, one version is published and takes answers, those before it are kept."""

    draft = auto()
    published = auto()
    archived = auto()


class FormPurpose(StrEnum):
    """What the form is for: to be filled in, or to add its fields to the records of the product."""

    answers = auto()
    customers = auto()


class SubmissionState(StrEnum):
    """May the answers still be corrected, and do they count?"""

    submitted = auto()
    #: approved: nobody corrects them any more
    locked = auto()
    #: given by mistake: they stay readable and are counted nowhere
    voided = auto()


class SubmissionSource(StrEnum):
    """From where the answers came."""

    #: the page on which a form is filled in, about nobody
    page = auto()
    #: the same, begun at a customer
    customer = auto()
    task = auto()
    #: what a process is started with
    instance = auto()
    #: a program, by REST
    api = auto()
    #: the form without sign-in
    public = auto()


class Form(Revisioned, Stamped, Entity):
    """A form of the company. What it asks stands in its versions."""

    __tablename__ = "form"
    __table_args__: ClassVar = (
        # The fields of one kind of record are drawn in one place.
        Index("uq_form_purpose", "purpose", unique=True,
              sqlite_where=text("purpose <> 'answers'"), postgresql_where=text("purpose <> 'answers'")),
        {"extend_existing": False},
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(60), unique=True)
    #: the name of the last published version in the company's language; before that, the name given first
    name: Mapped[str] = mapped_column(String(200))
    #: since then it takes no answers of its own and is drawn into no process; what was answered stays
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    #: never changes
    purpose: Mapped[FormPurpose] = mapped_column(
        stored(FormPurpose), default=FormPurpose.answers, server_default="answers", sort_order=2
    )

    draft: Mapped[FormVersion | None] = relationship(
        primaryjoin="and_(Form.id == FormVersion.form_id, FormVersion.state == 'draft')", viewonly=True
    )
    active_version: Mapped[FormVersion | None] = relationship(
        primaryjoin="and_(Form.id == FormVersion.form_id, FormVersion.state == 'published')", viewonly=True
    )

    def __str__(self) -> str:
        return self.name


class FormVersion(Revisioned, Stamped, Entity):
    """One version of a form. From its publication on it is what it is: answers given under it stay true."""

    __tablename__ = "form_version"
    __table_args__: ClassVar = (
        UniqueConstraint("form_id", "number", "edition"),
        Index("uq_form_version_draft", "form_id", unique=True,
              sqlite_where=text("state = 'draft'"), postgresql_where=text("state = 'draft'")),
        Index("uq_form_version_published", "form_id", unique=True,
              sqlite_where=text("state = 'published'"), postgresql_where=text("state = 'published'")),
        CheckConstraint("state = 'draft' OR published_at IS NOT NULL", name="published_at_known"),
        {"extend_existing": False},
    )  # fmt: skip

    form_id: Mapped[int] = mapped_column(ForeignKey("form.id", ondelete="RESTRICT"))
    #: 1, 2, 3 …; grows when another meaning is published after answers were given. A draft has the next one at most
    number: Mapped[int] = mapped_column()
    #: 1, 2, 3 … of the same number: other words, or nobody had answered yet
    edition: Mapped[int] = mapped_column(default=1, server_default=text("1"), sort_order=1)
    state: Mapped[VersionState] = mapped_column(stored(VersionState), default=VersionState.draft)
    #: docs/forms.md
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    #: SHA-256 of the definition: same checksum, same form
    checksum: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    form: Mapped[Form] = relationship()

    def __str__(self) -> str:
        return f"{self.form} v{self.number}"


# The three columns that may still change with the state (rev, updated_at, updated_by_id) say who archived it.
refuse_changes(
    FormVersion.__table__,
    when="OLD.state <> 'draft' /*new*/ AND (NEW.state = 'draft' OR (OLD.state = 'archived' AND NEW.state <> 'archived')"
    " OR NEW.id <> OLD.id OR NEW.form_id <> OLD.form_id OR NEW.number <> OLD.number"
    " OR NEW.edition <> OLD.edition"
    " OR NEW.definition <> OLD.definition OR NEW.checksum <> OLD.checksum OR NEW.published_at <> OLD.published_at"
    " OR COALESCE(NEW.published_by_id, 0) <> COALESCE(OLD.published_by_id, 0) OR NEW.created_at <> OLD.created_at"
    " OR COALESCE(NEW.created_by_id, 0) <> COALESCE(OLD.created_by_id, 0))",
    why="a published form version does not change",
    may_go=True,
)


class Submission(Stamped, Entity):
    """The answers that someone gave to one version of a form, about something (a task) or somebody (a customer).

    They are corrected by `revisions`: the row holds the last one, SubmissionRevision those before it.
    """

    __tablename__ = "submission"
    __table_args__: ClassVar = (
        Index("ix_submission_subject", "subject_type", "subject_id"),
        Index("ix_submission_of_form", "form_id", "id"),
        CheckConstraint("(subject_type IS NULL) = (subject_id IS NULL)", name="subject_whole"),
        {"extend_existing": False},
    )

    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"), index=True)
    state: Mapped[SubmissionState] = mapped_column(stored(SubmissionState), default=SubmissionState.submitted)
    #: what the answers are about, as a stable pair: ("task", 17)
    subject_type: Mapped[str | None] = mapped_column(String(40))
    subject_id: Mapped[int | None] = mapped_column()
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    #: the primary team of who answered, at that time
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="RESTRICT"), index=True)
    #: field key → value
    answers: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    #: the form of its version, so that the answers to one form are found at once
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id", ondelete="RESTRICT"), sort_order=1)
    source: Mapped[SubmissionSource] = mapped_column(
        stored(SubmissionSource), default=SubmissionSource.page, server_default="page", sort_order=1
    )
    rev: Mapped[int] = mapped_column(default=1, server_default=text("1"), sort_order=1)
    #: 1, 2, 3 …: grows with every correction
    revision: Mapped[int] = mapped_column(default=1, server_default=text("1"), sort_order=1)
    corrected_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    corrected_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), sort_order=1)
    #: why it was corrected last
    correction: Mapped[str | None] = mapped_column(String(300), info={"sensitive": True}, sort_order=1)
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    locked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), sort_order=1)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    voided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"), sort_order=1)
    #: why it was locked, opened, voided or taken back last
    reason: Mapped[str | None] = mapped_column(String(300), info={"sensitive": True}, sort_order=1)

    version: Mapped[FormVersion] = relationship(lazy="joined")

    __mapper_args__: ClassVar = {"version_id_col": rev}

    @hybrid_property
    def filled_in_by_id(self) -> int | None:
        """Whose answers they are; None: nobody's who was signed in. Who takes in what came from outside gave none."""
        return None if self.source is SubmissionSource.public else self.created_by_id

    @filled_in_by_id.inplace.expression
    @classmethod
    def _filled_in_by_id(cls) -> Case[int | None]:
        return case((cls.source != SubmissionSource.public, cls.created_by_id))

    @hybrid_property
    def taken_in_by_id(self) -> int | None:
        """Who let in what came from outside; None: the product itself did, or it did not come from there."""
        return self.created_by_id if self.source is SubmissionSource.public else None

    @taken_in_by_id.inplace.expression
    @classmethod
    def _taken_in_by_id(cls) -> Case[int | None]:
        return case((cls.source == SubmissionSource.public, cls.created_by_id))

    def __str__(self) -> str:
        return self.version.form.name


class SubmissionRevision(Entity):
    """Answers as they stood before they were corrected. `given_at`, `given_by_id` and `reason` are of these answers."""

    __tablename__ = "submission_revision"
    # A copy of what the submission held; the audit tells of the submission.
    __audited__ = False
    __table_args__: ClassVar = (UniqueConstraint("submission_id", "number"), {"extend_existing": False})

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"))
    #: 1, 2, 3 …
    number: Mapped[int] = mapped_column()
    answers: Mapped[dict[str, Any]] = mapped_column(Json, info={"sensitive": True})
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    reason: Mapped[str | None] = mapped_column(String(300), info={"sensitive": True})


refuse_changes(SubmissionRevision.__table__, why="what was answered before a correction does not change", may_go=True)


def _values_of(column: str) -> Index:
    """Of the answers that have this kind of value alone: each stands in one of the four indexes."""
    there = text(f"{column} IS NOT NULL")
    return Index(f"ix_submission_value_{column}", "form_id", "field_key", column, "counts", "submission_id",
                 sqlite_where=there, postgresql_where=there)  # fmt: skip


class SubmissionValue(Entity):
    """One answer that can be filtered or counted, kept as what it is: numbers compare as numbers, days as days.

    An answer of several parts (choices) has one row for each of them, `item` is its place from 0 on. The rows are
    found by form and key, whatever the version.
    """

    __tablename__ = "submission_value"
    # A copy of what the submission holds, made to be filtered.
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("submission_id", "field_key", "item"),
        *map(_values_of, ("text", "number", "date", "moment")),
        {"extend_existing": False},
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"))
    field_key: Mapped[str] = mapped_column(String(41))
    item: Mapped[int] = mapped_column(default=0, server_default=text("0"), sort_order=1)
    text: Mapped[str | None] = mapped_column(String(500), info={"sensitive": True})
    number: Mapped[float | None] = mapped_column(Double)
    date: Mapped[dt.date | None] = mapped_column()
    moment: Mapped[datetime | None] = mapped_column(UtcDateTime, sort_order=1)
    #: that of the submission
    form_id: Mapped[int] = mapped_column(sort_order=2)
    #: False once the submission is voided
    counts: Mapped[bool] = mapped_column(default=True, server_default=true(), sort_order=2)


# Which values there are depends on the question: without this PostgreSQL takes forty thousand answers for three.
declare(
    "submission_value_statistics",
    SubmissionValue.__table__,
    postgresql=(
        "CREATE STATISTICS st_submission_value_text (mcv) ON form_id, field_key, text FROM submission_value",
        "CREATE STATISTICS st_submission_value_number (mcv) ON form_id, field_key, number FROM submission_value",
    ),
)


class AnswerIndexing(Leased, Entity):
    """The answers to a form are looked through anew, since other fields of it are filtered or counted now."""

    __tablename__ = "answer_indexing"
    # Housekeeping: it changes no answer.
    __audited__ = False
    __table_args__: ClassVar = (*lease_indexes(), {"extend_existing": False})

    form_id: Mapped[int] = mapped_column(ForeignKey("form.id", ondelete="RESTRICT"), unique=True)
    #: submissions up to this id are done
    cursor: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AnswerFile(Stamped, Entity):
    """A file that was sent for an answer; `core.files` has it under this id. Without a submission it waits for one."""

    __tablename__ = "answer_file"
    # What it was is told by the file and by the answers, which are audited.
    __audited__ = False

    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"), index=True)
    field_key: Mapped[str] = mapped_column(String(41))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id", ondelete="RESTRICT"), index=True)


class SubmissionDraft(Revisioned, Stamped, Entity):
    """What somebody has typed into a form and not sent yet. It is his alone, and one for each form and customer."""

    __tablename__ = "submission_draft"
    # Kept every few seconds while he types; what comes of it, the submission, is audited.
    __audited__ = False
    __table_args__: ClassVar = (
        UniqueConstraint("member_id", "form_id", "customer_id"),
        Index("uq_submission_draft_about_nobody", "member_id", "form_id", unique=True,
              sqlite_where=text("customer_id IS NULL"), postgresql_where=text("customer_id IS NULL")),
        {"extend_existing": False},
    )  # fmt: skip

    member_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id", ondelete="RESTRICT"), index=True)
    #: under which he typed last
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id", ondelete="RESTRICT"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id", ondelete="RESTRICT"), index=True)
    #: as typed, right or not: field key and part → text or texts
    answers: Mapped[dict[str, Any]] = mapped_column(Json)

    form: Mapped[Form] = relationship()

    def __str__(self) -> str:
        return self.form.name
