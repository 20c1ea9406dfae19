"""Which processes does the product come with? Drawings as files, published through the services an admin uses."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy.orm import Session

from app.core.access import Actor
from app.forms import library as form_library
from app.forms import queries as forms
from app.forms import services as form_services
from app.processes import drawing, queries
from app.processes.engine import bpmn
from app.processes.models import Process


def codes() -> list[str]:
    """The codes of the shipped processes."""
    return sorted(file.name.removesuffix(".bpmn") for file in files(__name__).iterdir() if file.name.endswith(".bpmn"))


def load(code: str) -> str:
    """The drawing. Raises FileNotFoundError for a code that is not shipped."""
    return files(__name__).joinpath(f"{code}.bpmn").read_text("utf-8")


def install(session: Session, code: str, *, by: Actor) -> Process:
    """Publish the shipped process and the forms it asks for, unless the company has them already."""
    known = queries.process_by_code(session, code)
    if known is not None:
        return known
    xml = load(code)
    definition, problems = bpmn.read(xml)
    if definition is None:
        raise drawing.ProcessNotPublishableError(problems)
    for form_code in sorted({node.task.form for node in definition.nodes.values() if node.task and node.task.form}):
        if forms.form_by_code(session, form_code) is None:
            drawn = form_library.load(form_code)
            form = form_services.create_form(session, code=form_code, name=drawn["name"], by=by)
            form_services.save_draft(session, form, drawn, by=by)
            form_services.publish_form(session, form, by=by)
    process = drawing.create_process(session, code=code, name=definition.name, by=by)
    drawing.save_draft(session, process, xml, by=by)
    drawing.publish_process(session, process, by=by)
    return process
