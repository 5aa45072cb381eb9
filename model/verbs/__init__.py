"""The verbs of `python -m model`, one module each: `HELP`, `add_arguments(parser)` and `run(options)`, which
may return an exit status.

What is slow to import, Keras first of all, is imported inside `run`, so that `--help` answers at once.
"""

from __future__ import annotations

from types import ModuleType

from model.verbs import (
    average,
    calibrate,
    compare,
    ensemble,
    evaluate,
    explore,
    export,
    familiarity,
    prepare,
    segment,
    train,
)

VERBS: dict[str, ModuleType] = {
    "prepare": prepare,
    "explore": explore,
    "train": train,
    "average": average,
    "ensemble": ensemble,
    "calibrate": calibrate,
    "evaluate": evaluate,
    "compare": compare,
    "export": export,
    "familiarity": familiarity,
    "segment": segment,
}
"""Module by name, in the order in which the work is done."""
