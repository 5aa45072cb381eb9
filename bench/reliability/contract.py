"""Schemathesis over every path of the service's own OpenAPI document: does it keep what it promises?"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.reliability import Verdict
from bench.reliability.target import ROOT, started

BAR = "at least 5,000 cases: 0 server errors, 0 undocumented answers"
_LEAST_CASES = 5_000
# A picture of random bytes fits the document and is refused all the same, so that this check cannot hold.
_LEFT_OUT = "positive_data_acceptance"
# What a request that breaks the document may be answered with; 413 is not among what schemathesis takes for a refusal.
_SETTINGS = "[checks]\nnegative_data_rejection.expected-statuses = [400, 401, 404, 405, 406, 413, 415, 422]\n"
_COUNT = re.compile(r"([\d,]+) generated")


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--examples", type=int, default=400, help="for each operation, at most")
    parser.add_argument("--seed", type=int, help="of an earlier run, to repeat it")


def run(arguments: argparse.Namespace) -> Verdict:
    """Run it, and show what it found."""
    with started() as target:
        cases, status, said = drive(target.port, examples=arguments.examples, seed=arguments.seed)
    if status:
        print(said)
    failures = "no failures" if status == 0 else f"failures (exit status {status})"
    return Verdict(f"{cases:,} cases, {failures}", BAR, status == 0 and cases >= _LEAST_CASES)


def drive(port: int, *, examples: int, seed: int | None = None) -> tuple[int, int, str]:
    """Let schemathesis drive a running service.

    Args:
        port: on 127.0.0.1.
        examples: for each operation, at most.
        seed: what decides the examples.

    Returns:
        How many cases it made, its exit status (0: nothing found), and what it said.
    """
    command = [str(Path(sys.executable).with_name("st")), "run", f"http://127.0.0.1:{port}/openapi.json"]
    command += ["--max-examples", str(examples), "--exclude-checks", _LEFT_OUT, "--continue-on-failure"]
    command += ["--warnings", "off", "--no-color", *(["--seed", str(seed)] if seed is not None else [])]
    hooks = {"SCHEMATHESIS_HOOKS": "bench.reliability.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(_SETTINGS, "utf-8")
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **hooks}, capture_output=True, text=True, check=False
        )
    said = done.stdout + done.stderr
    found = _COUNT.search(said)
    return int(found[1].replace(",", "")) if found else 0, done.returncode, said
