"""Does the engine stay pure? It may know the standard library, lxml and a few texts and conditions of core."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from app.processes import engine

ALLOWED = {
    "lxml", "app.core.addresses", "app.core.conditions", "app.core.conditions.expression", "app.core.errors",
    "app.core.i18n",
}  # fmt: skip
IMPURE = {"random", "secrets", "time", "uuid", "os", "socket", "threading", "asyncio"}
MODULES = sorted(Path(engine.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_engine_imports_no_web_no_database_and_no_clock(module):
    imported = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "app.core":
            imported |= {f"app.core.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    own = {name for name in imported if name.startswith("app.processes.engine")}

    assert {name.split(".")[0] for name in imported - ALLOWED - own} <= set(sys.stdlib_module_names) - IMPURE
