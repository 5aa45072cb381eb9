"""OpenVINO's own benchmark_app, without its telemetry: `python -m bench.benchmark_app -m FILE ...`."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import model  # noqa: F401  keeps OpenVINO from reporting its import; so it comes first
from bench.contenders import QUIET, ROOT
from model import huge_pages as pages

_MEDIAN = re.compile(r"Median:\s+([\d.]+) ms")
_THROUGHPUT = re.compile(r"Throughput:\s+([\d.]+) FPS")
# Of what the file leaves open; an int8 file names its int8 layers itself.
_ARITHMETIC = {"f32": "f32", "bf16": "bf16", "int8": "f32"}


def median(file: str, *, precision: str, threads: int, seconds: int) -> float:
    """Run it synchronously on a compiled file: one request at a time, one stream, as many threads.

    Returns:
        Its median latency in ms.

    Raises:
        RuntimeError: it failed; the message has what it said.
    """
    words = ["-hint", "none", "-api", "sync", "-nireq", "1", "-nstreams", "1", "-nthreads", str(threads)]
    return _asked(file, words, precision, seconds, _MEDIAN)


def throughput(file: str, *, precision: str, seconds: int, huge_pages: bool = False) -> float:
    """Run it in throughput mode, on all processors; images a second. Errors as `median`.

    Args:
        file: as in `median`.
        precision: likewise.
        seconds: likewise.
        huge_pages: whether its memory is in huge pages, as ours; by itself it is not.
    """
    asking = {pages.NAME: f"{pages.TUNABLE}={int(huge_pages)}"}
    return _asked(file, ["-hint", "throughput"], precision, seconds, _THROUGHPUT, **asking)


def _asked(file: str, words: list[str], precision: str, seconds: int, wanted: re.Pattern, **asking: str) -> float:
    command = [sys.executable, "-m", "bench.benchmark_app", "-m", file, "-d", "CPU", *words, "-t", str(seconds)]
    command += ["-infer_precision", _ARITHMETIC[precision]]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **QUIET, **asking}, capture_output=True, text=True, check=False
    )
    found = wanted.search(done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"benchmark_app ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return float(found[1])


def main() -> int:
    """Hand the command line over to benchmark_app."""
    from openvino.tools.benchmark.main import main as benchmark

    return benchmark()


if __name__ == "__main__":
    sys.exit(main())
