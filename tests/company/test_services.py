"""The company's face is changed by those who may change settings, and by nobody else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.company.services import receive_logo, remove_logo, set_logo
from app.core import files, settings
from app.core.access import SYSTEM
from app.core.db import transaction
from app.core.errors import NotAllowedError
from app.core.files import StoredFile
from tests.company.pictures import as_file, png


@pytest.mark.parametrize("who", ["lan", "minh"])
def test_nobody_else_puts_a_logo_up_or_takes_it_down(session, cast, who):
    with transaction(SYSTEM) as inside:
        set_logo(inside, receive_logo(as_file(png(64, 64)), "logo.png"), by=SYSTEM)
    kept = settings.get(session, "logo_file_id")
    another = receive_logo(as_file(png(65, 65)), "logo.png")
    for change in (lambda inside, by: set_logo(inside, another, by=by), lambda inside, by: remove_logo(inside, by=by)):
        by = cast.actor(who)
        with pytest.raises(NotAllowedError), transaction(by) as inside:
            change(inside, by)
        assert settings.get(session, "logo_file_id") == kept
        assert list(session.scalars(select(StoredFile.id))) == [kept]
    files.forget(another)
