"""`python -m bench.reliability TRIAL [options]`: run a trial, print figures and bar, fail where it is not kept."""

from __future__ import annotations

import argparse
import importlib
import sys

TRIALS = ("slow", "overload", "mixed", "kill", "terminate", "crosstalk", "fuzz", "contract")


def main() -> int:
    """Return 0 where the bar is kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.reliability", description=__doc__)
    chosen = parser.add_subparsers(dest="trial", required=True)
    trials = {name: importlib.import_module(f"bench.reliability.{name}") for name in TRIALS}
    for name, trial in trials.items():
        trial.options(chosen.add_parser(name, help=trial.__doc__, description=trial.__doc__))
    arguments = parser.parse_args()
    verdict = trials[arguments.trial].run(arguments)
    print(f"{arguments.trial}: {verdict.figures}\n  bar: {verdict.bar}: {'kept' if verdict.kept else 'NOT KEPT'}")
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    sys.exit(main())
