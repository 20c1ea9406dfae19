"""How does FAB reach a table? Through our session, without ever committing: the screen owns the transaction."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.models.sqla.interface import SQLAInterface


class Interface(SQLAInterface):
    """FAB's access to one table. FAB's own commits by itself and tells database errors as polite messages."""

    def add(self, item: Any, commit: bool = False) -> None:
        self.session.add(item)
        self.session.flush()

    def edit(self, item: Any, commit: bool = False) -> None:
        self.session.flush()

    def delete(self, item: Any, commit: bool = False) -> None:
        self.session.delete(item)
        self.session.flush()

    def delete_all(self, items: list[Any]) -> None:
        for item in items:
            self.session.delete(item)
        self.session.flush()
