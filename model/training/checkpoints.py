"""The whole state of a training run in one file that is either the old one or the new one, never half of either."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keras
import numpy as np

_FILE = "checkpoint.npz"


def exists(folder: Path) -> bool:
    """Tell whether the run in `folder` has finished an epoch."""
    return (folder / _FILE).is_file()


def save(folder: Path, model: keras.Model, *, history: list[dict]) -> None:
    """Write weights, optimiser state (step, moments, moving averages) and history.

    Args:
        folder: the run's folder.
        model: compiled, its optimiser built.
        history: one JSON-ready entry for each finished epoch.
    """
    partial = folder / f"{_FILE}.partial"
    variables = {f"model/{i}": np.asarray(variable) for i, variable in enumerate(model.weights)}
    variables |= {f"optimizer/{i}": np.asarray(variable) for i, variable in enumerate(model.optimizer.variables)}
    with open(partial, "wb") as file:
        np.savez(file, history=json.dumps(history), **variables)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / _FILE)


def restore(folder: Path, model: keras.Model) -> list[dict]:
    """Put the last checkpoint's state into `model`.

    Args:
        folder: the run's folder.
        model: compiled, its optimiser built.

    Returns:
        The history that was saved; empty, and the model untouched, where there is no checkpoint.

    Raises:
        ValueError: the checkpoint is of another network or optimiser.
    """
    if not exists(folder):
        return []
    path = folder / _FILE
    with np.load(path) as saved:
        for prefix, variables in (("model", model.weights), ("optimizer", model.optimizer.variables)):
            _assign(path, saved, prefix, variables)
        return json.loads(str(saved["history"]))


def _assign(path: Path, saved: np.lib.npyio.NpzFile, prefix: str, variables: list[keras.Variable]) -> None:
    stored = [name for name in saved.files if name.startswith(f"{prefix}/")]
    values = [saved[f"{prefix}/{i}"] for i in range(len(stored))]
    if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
        raise ValueError(
            f"{path} was written by another {prefix}: {len(values)} variables, here are {len(variables)} or their "
            "shapes differ. Go on with the settings it was started with, or start anew in another --run folder."
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
