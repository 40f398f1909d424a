"""Build hook: the wheel, and every editable install, get typing stubs of all items (see tools/stubs.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TypingStubs(BuildHookInterface[Any]):
    """Written before the files are collected; pyproject.toml lists them as artifacts, since git ignores them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        subprocess.run([sys.executable, str(Path(self.root, "tools", "stubs.py"))], check=True, stdout=subprocess.DEVNULL)
