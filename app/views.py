"""What is in the menu, in which order, and which interfaces are there? Data; no screen is defined here."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.baseviews import expose
from flask_appbuilder.views import IndexView

from app.security.api import SecurityApi, TeamApi, UserApi

#: Every REST resource, in the order of design.md §6.
APIS: tuple[type, ...] = (SecurityApi, TeamApi, UserApi)


class Home(IndexView):
    @expose("/")
    def index(self) -> Any:
        return "ok"


def register(appbuilder: Any) -> None:
    for api in APIS:
        appbuilder.add_api(api)
