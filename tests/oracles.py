"""An environment for libraries that would not go with ours, where a test is held against them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def environment(folder: Path, repository: Path, request: pytest.FixtureRequest, *alone: str) -> Path:
    """Install PyTorch in a new environment; skip where `-m oracles` does not ask for it.

    Args:
        folder: empty; receives the environment.
        repository: of this project.
        request: of the fixture that wants it.
        alone: requirements that are installed without what they depend on.

    Returns:
        The environment's interpreter.
    """
    if "oracles" not in request.config.getoption("markexpr"):
        pytest.skip("installs PyTorch: ask for it by -m oracles")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", repository / "requirements-oracles.txt"], check=True)
    subprocess.run([*pip, "--no-deps", *alone], check=True)
    return python
