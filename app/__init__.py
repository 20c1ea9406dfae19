"""The only place where the parts are put together."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, g
from flask_appbuilder import AppBuilder
from flask_babel import get_translations, gettext
from flask_migrate import Migrate
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from wtforms.meta import DefaultMeta

MIGRATIONS = Path(__file__).parent / "migrations"

# Batch mode rebuilds tables on SQLite, which knows little ALTER TABLE.
migrate = Migrate(render_as_batch=True, compare_type=True)


class _Translations:
    """WTForms ships no Vietnamese: its sentences come from our catalogue like all others."""

    def gettext(self, text: str) -> str:
        return str(gettext(text))

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        # The bare sentence: WTForms fills its own placeholders (%(max)d), which Flask-Babel's would not know.
        return str(get_translations().ungettext(singular, plural, count))


class _AppBuilder(AppBuilder):
    """FAB with our sign-in and none of the screens that we do not guard and dress."""

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)
        self.sm.register_views()


@contextmanager
def _nothing_is_garbage() -> Iterator[None]:
    """While the product loads. Looking for garbage among all that stays took a third of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_nothing_is_garbage()
def create_app(config: Any = None) -> Flask:
    """The application with every feature in it, on the settings of `config` (default: the environment's)."""
    # Imported here: `import app` alone must not load the whole product (style, migrations, tools).
    from app import cli, jobs, models, uses, views
    from app.administration.queries import register_jobs
    from app.care.services import CareTasks
    from app.comments.events import register_commented
    from app.comments.handlers import CommentPart, register_screens
    from app.core import audit, delivery, drawn, edge, health, i18n, links, remembered, uploads, vault
    from app.core.db import db, listen_to
    from app.core.guarded import declare_added
    from app.core.screens import extra, parts
    from app.customers import delivery as delivery_of_customers
    from app.customers.events import register_heed, register_part, register_quick_action
    from app.customers.forgotten.heed import heed_silence
    from app.customers.handlers import SHARED_CUSTOMERS, CustomerComments, LookedAfter
    from app.customers.mails import SendMail
    from app.customers.mails import may_read as reads_mails_to_customers
    from app.customers.mails import refusal as refusal_of_customers
    from app.customers.quick_actions import LogCall, LogMessage, MakePromise, WriteNote
    from app.customers.related import CustomerFiles, CustomerPurchases, PeopleThere
    from app.forms.events import register_drafts, register_publish_check
    from app.forms.handlers import CustomerSubmissions
    from app.forms.own_fields.extra import CustomerFields
    from app.forms.public import services as public_forms
    from app.forms.public.screens import AnswersPart
    from app.forms.public.views import PublicPart
    from app.forms.versions.parts import FieldsPart, VersionsPart
    from app.notifications.channels.settings import MailSettings, parse_smtp_url
    from app.notifications.channels.settings import configure as configure_mail
    from app.notifications.events import register_mail_ended, register_mail_guard, register_mail_reader
    from app.notifications.people import PeopleMessenger
    from app.notifications.shared import ShareTeller
    from app.processes import metrics
    from app.processes.handlers import SHARED_INSTANCES, CustomerInstances, InstanceComments, begun_by
    from app.processes.services import InstanceTasks
    from app.processes.version_view import version_links
    from app.security import arrival, look_view
    from app.security.effective_view import effective_links
    from app.security.events import register_duty, register_messenger, register_trace
    from app.security.handlers import HeadedTeams, OpenWorkPart, SharedViews, named_in_processes, roles_left_empty
    from app.security.manager import SecurityManager, load_actor
    from app.security.share_views import SharePart
    from app.security.shared import register_shareable, register_teller
    from app.tasks.customer_tasks import AddTask, CustomerWork
    from app.tasks.events import register_owner
    from app.tasks.handlers import SHARED_TASKS, CustomerTasks, Decisions, NobodyElsesQueue, OpenTasks, TaskComments
    from app.tasks.queries import typed_drafts
    from config import Config

    app = Flask(__name__)
    app.config.from_object(Config() if config is None else config)
    logging.basicConfig(level=app.config["LOG_LEVEL"], format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if app.config["HTTPS"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.config["FAB_INDEX_VIEW"] = "app.tasks.home.Home"
    app.jinja_environment = drawn.Templates
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}

    assert models.__all__
    remembered.forget_all()
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    csrf = CSRFProtect(app)
    app.extensions["csrf"] = csrf
    DefaultMeta.get_translations = lambda _self, _form: _Translations()  # type: ignore[assignment,method-assign]
    FlaskForm.Meta.get_translations = lambda _self, _form: _Translations()
    audit.configure(app.config["SECRET_KEY"])
    vault.configure(app.config["SECRET_KEY"])
    links.configure(app.config["BASE_URL"])
    configure_mail(MailSettings(server=parse_smtp_url(app.config["SMTP_URL"]), sender=app.config["MAIL_FROM"]))
    uses.register()
    register_jobs(jobs.JOBS)
    register_drafts("tasks", typed_drafts)
    register_publish_check("public", public_forms.stays_open)
    register_owner(InstanceTasks())
    register_owner(CareTasks())
    register_heed("forgotten", heed_silence)
    register_owner(CustomerWork())
    register_messenger(PeopleMessenger())
    register_mail_ended(delivery_of_customers.mail_ended)
    register_mail_guard(refusal_of_customers)
    register_mail_reader(reads_mails_to_customers)
    for duty in (OpenTasks(), Decisions(), NobodyElsesQueue(), LookedAfter(), HeadedTeams(), SharedViews()):
        register_duty(duty)
    for key, trace in (("begun", begun_by), ("named", named_in_processes), ("roles", roles_left_empty)):
        register_trace(key, trace)
    for part in (
        CustomerTasks(), CustomerInstances(), CustomerSubmissions(), CustomerPurchases(), PeopleThere(),
        CustomerFiles(),
    ):  # fmt: skip
        register_part(part)
    extra.register_extra("Customer", CustomerFields())
    declare_added("Customer", lambda: extra.guarded_of("Customer"))
    for quick in (LogCall(), WriteNote(), LogMessage(), SendMail(), AddTask(), MakePromise()):
        register_quick_action(quick)
    for commented in (CustomerComments(), TaskComments(), InstanceComments()):
        register_commented(commented)
    register_screens(views.VIEWS)
    for of_form in (FieldsPart(), VersionsPart(), PublicPart(), AnswersPart()):
        parts.register_part(of_form)
    parts.register_part(CommentPart())
    parts.register_part(SharePart())
    register_teller(ShareTeller())
    for shared in (SHARED_CUSTOMERS, SHARED_TASKS, SHARED_INSTANCES):
        register_shareable(shared)
    parts.register_links("rights", effective_links)
    parts.register_links("versions", version_links)
    parts.register_part(OpenWorkPart())
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)

    with app.app_context():
        listen_to(db.engine, synchronous=app.config["SQLITE_SYNCHRONOUS"])
        delivery.install(app)
        uploads.install(app)
        edge.install(app, load_actor=load_actor)
        look_view.install(app)
        arrival.install(app)
        appbuilder = _AppBuilder(security_manager_class=SecurityManager)
        appbuilder.init_app(app, db.session)
        app.extensions["babel"].locale_selector = edge.language
        app.extensions["babel"].timezone_selector = edge.time_zone
        i18n.install(app)
        drawn.install(app)
        views.register(appbuilder)
        # Nobody is signed in there: its pages carry a signed moment of their own instead (forms/public/rules.py).
        csrf.exempt(app.blueprints["OpenFormView"])
        extra.awake()
    cli.register(app)

    @app.teardown_request
    def _forget_actor(_error: BaseException | None) -> None:
        g.pop("actor", None)

    return app
