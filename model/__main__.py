"""`python -m model VERB`: the command line of the training half."""

from __future__ import annotations

import argparse
import os
import sys

from model import huge_pages

if __name__ == "__main__" and sys.argv[1:2] == ["segment"]:
    # Before the imports below, which take a while: it may start the process anew. TensorFlow, which does the work of
    # other verbs, was no faster in huge pages.
    huge_pages.ask()

from model.verbs import VERBS

# Quiet before TensorFlow is imported: its start-up notes are for its developers.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; a caller's mistake is one line on standard error and exit status 2."""
    options = _parser().parse_args(arguments)
    try:
        status = VERBS[options.verb].run(options)
    except (ValueError, OSError) as error:
        print(f"python -m model {options.verb}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\npython -m model {options.verb}: interrupted", file=sys.stderr)
        return 130
    return status or 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m model", description="Train, evaluate and export networks.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        verb.add_arguments(verbs.add_parser(name, help=verb.HELP, description=verb.__doc__, formatter_class=_Help))
    return parser


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows the default of every option."""


if __name__ == "__main__":
    sys.exit(main())
