"""How large an install of requirements-serve.txt is, in an empty folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.contenders import ROOT
from bench.trials import Bench

_BLOCK = 512  # bytes, the unit of st_blocks
_MEGABYTE = 1_000_000
_LARGEST = 6


def run(bench: Bench) -> dict:
    """Install and measure.

    Returns:
        `apparent` and `blocks`, MB of 1,000,000 bytes: lengths of files, and what they take on this disk; `largest`:
        by name, those of the largest folders.
    """
    with tempfile.TemporaryDirectory(prefix="streetseg-install-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--target", folder, "-r", str(ROOT / "requirements-serve.txt")]
        subprocess.run(command, check=True)
        sizes = {entry.name: _size(entry) for entry in Path(folder).iterdir()}
    largest = sorted(sizes, key=lambda name: sizes[name][0], reverse=True)[:_LARGEST]
    return {
        "apparent": sum(apparent for apparent, _ in sizes.values()),
        "blocks": sum(blocks for _, blocks in sizes.values()),
        "largest": {name: sizes[name][0] for name in largest},
    }


def _size(path: Path) -> tuple[float, float]:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    status = [file.lstat() for file in files]
    apparent = sum(each.st_size for each, file in zip(status, files, strict=True) if not file.is_dir())
    return apparent / _MEGABYTE, sum(each.st_blocks for each in status) * _BLOCK / _MEGABYTE
