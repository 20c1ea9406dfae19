"""A process that was published twice, and a file of it that still runs by the first version."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.db import transaction
from app.processes import drawing, queries, services
from app.processes.models import Process
from tests.cast import Cast
from tests.processes.engine.drawing import bpmn

CODE = "hai-phien-ban"


def begun_by_the_first(cast: Cast) -> int:
    """The id of the file, which Lan has begun."""
    with transaction(cast.hoa) as inside:
        process = drawing.create_process(inside, code=CODE, name="Hai phiên bản", by=cast.hoa)
        _publish(inside, process, "start > ask > end", cast)
    with transaction(cast.lan) as inside:
        process = queries.process_by_code(inside, CODE)
        assert process is not None
        begun = services.start_instance(inside, process, by=cast.lan).id
    with transaction(cast.hoa) as inside:
        process = queries.process_by_code(inside, CODE)
        assert process is not None
        _publish(inside, process, "start > ask > look > end", cast)
    return begun


def _publish(inside: Session, process: Process, steps: str, cast: Cast) -> None:
    drawing.save_draft(inside, process, bpmn(steps), by=cast.hoa)
    drawing.publish_process(inside, process, by=cast.hoa)
