"""The whole state of a training run in one file that is either the old one or the new one, never half of either."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np

from model.training.averaging import random_states

_FILE = "checkpoint.npz"


def exists(folder: Path) -> bool:
    """Tell whether the run in `folder` has finished an epoch."""
    return (folder / _FILE).is_file()


def save(folder: Path, model: keras.Model, *, history: list[dict]) -> None:
    """Write weights, optimiser state (step, moments, moving averages), states of random numbers and history.

    Args:
        folder: the run's folder.
        model: compiled, its optimiser built.
        history: one JSON-ready entry for each finished epoch.
    """
    variables = {f"model/{i}": np.asarray(variable) for i, variable in enumerate(model.weights)}
    variables |= {f"optimizer/{i}": np.asarray(variable) for i, variable in enumerate(model.optimizer.variables)}
    variables |= {f"seed/{i}": np.asarray(seed) for i, seed in enumerate(random_states(model))}
    _write(folder / _FILE, variables | {"history": np.asarray(json.dumps(history))})


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
    with _opened(path) as saved:
        groups = (("model", model.weights), ("optimizer", model.optimizer.variables), ("seed", random_states(model)))
        for prefix, variables in groups:
            _assign(path, saved, prefix, variables)
        return json.loads(str(saved["history"]))


def save_average(folder: Path, epoch: int, average: keras.Model) -> None:
    """Keep the averaged network of an epoch, for runs that end with their best.

    Args:
        folder: the run's folder.
        epoch: from 1.
        average: its weights are written.
    """
    variables = {f"average/{i}": np.asarray(variable) for i, variable in enumerate(average.weights)}
    _write(_average_path(folder, epoch), variables)


def restore_average(folder: Path, epoch: int, average: keras.Model) -> None:
    """Put the averaged network of an epoch into `average`.

    Raises:
        ValueError: there is none, or it is of another network.
    """
    path = _average_path(folder, epoch)
    if not path.is_file():
        raise ValueError(f"{path} is missing, the best average of this run. Start anew in another --run folder.")
    with _opened(path) as saved:
        _assign(path, saved, "average", average.weights)


def drop_averages(folder: Path, *, but: int) -> None:
    """Remove the averaged networks of all epochs but one."""
    for path in folder.glob("average-*.npz"):
        if path != _average_path(folder, but):
            path.unlink()


def _average_path(folder: Path, epoch: int) -> Path:
    return folder / f"average-{epoch}.npz"


@contextmanager
def _opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    try:
        # NumPy leaves a file open that turns out to be none of its own.
        with open(path, "rb") as file, np.load(file) as saved:
            yield saved
    except (BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(
            f"{path} is damaged: {error}. Expected a checkpoint as training wrote it: put a copy back, or start anew "
            "in another --run folder."
        ) from error


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays in one step, so that a kill leaves the old file or the new one."""
    partial = path.with_name(f"{path.name}.partial")
    with open(partial, "wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


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
