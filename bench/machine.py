"""What the figures were taken on, and with."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.contenders import ROOT
from model.inference import processors

PACKAGES = ("flask", "gunicorn", "numpy", "pillow", "opencv-python-headless", "openvino", "tensorflow", "keras")
PACKAGES += ("bentoml", "litserve", "ray", "simplejpeg", "fpng", "isal")
_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8")


def describe() -> dict:
    """Return it as words by topic."""
    memory = int(Path("/proc/meminfo").read_text("ascii").split()[1]) * 1024 / 1e9
    return {
        "Processor": processor(),
        "Memory": f"{memory:.0f} GB",
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "Packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def processor() -> str:
    """Return its name, how many of them there are to use, and the vector extensions that matter here."""
    flags = _cpuinfo("flags").split()
    name = _cpuinfo("model name") or platform.machine()
    return f"{name}, {processors.count()} to use of {os.cpu_count()}; " + (
        " ".join(flag for flag in _FLAGS if flag in flags) or "no vector extensions known"
    )


def load() -> float:
    """Return the load average of the last minute."""
    return os.getloadavg()[0]


def commit() -> str:
    """Return the commit that is checked out, and whether files differ from it; "unknown" outside a git checkout."""
    try:
        hashed = _git("rev-parse", "--short=12", "HEAD")
        # What this program writes itself changes nothing about what was measured.
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/*.md", ":!bench/*.svg")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{hashed}, with changes" if changed else hashed


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpuinfo(name: str) -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""
