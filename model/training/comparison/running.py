"""Train, compile and score the entries of a comparison, each in a process of its own; what is done is not done again.

A process of its own, because precision, random state and memory of one network must not be the next one's.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path

from model import artifact
from model.data.datasets import open_samples
from model.training.comparison.entries import RESULT_FILE, Entry, check
from model.training.settings import Settings


def run(entries: Sequence[Entry], out: Path, *, workers: int = 2) -> list[dict]:
    """Train and score what is not trained and scored yet.

    Killed at any moment, the next call goes on: finished entries are read, a broken one goes on from its last finished
    epoch.

    Args:
        entries: see `entries.check`.
        out: folder that receives one folder for each entry.
        workers: threads that read ahead in training.

    Returns:
        For each entry what `result.json` in its folder holds: label, settings, scores, parameters, multiply-adds of
        one image, seconds of training and its peak memory in MB.

    Raises:
        ValueError: the entries can't be compared, or one can't be trained.
    """
    check(entries)
    results = []
    for number, entry in enumerate(entries, 1):
        result = _finished(entry, out)
        place = f"{number}/{len(entries)} {entry.label}"
        print(f"{place}: {'done before' if result else 'training'}", flush=True)
        if result is None:
            result = _in_a_process(entry, out, workers)
            _write(entry.folder(out) / RESULT_FILE, result)
        print(f"{place}: mean category IoU {result['scores']['mean_iou']:.4f}", flush=True)
        results.append(result)
    return results


def _finished(entry: Entry, out: Path) -> dict | None:
    """Return the entry's result, or None where there is none of just these settings and just this network."""
    path = entry.folder(out) / RESULT_FILE
    if not path.is_file():
        return None
    result = json.loads(path.read_text("utf-8"))
    if result["settings"] != _plain(entry.settings):
        return None
    made = artifact.read(entry.folder(out) / "artifact")
    return result | {"label": entry.label} if made.card["keras_sha256"] == result["keras_sha256"] else None


def _in_a_process(entry: Entry, out: Path, workers: int) -> dict:
    # Spawned, not forked: TensorFlow does not survive a fork.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent) as pool:
        try:
            return pool.submit(_train_and_score, entry, out, workers).result()
        except BrokenProcessPool as error:
            raise ValueError(
                f"The process that trained {entry.label!r} was killed, by the system if memory ran out. Expected it to "
                "end by itself: make --batch-size smaller and start again; what is finished is kept."
            ) from error


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: two must never train into one folder."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _train_and_score(entry: Entry, out: Path, workers: int) -> dict:
    from model.inference.segmenter import load
    from model.training.evaluate import evaluate
    from model.training.exporting.openvino_files import export
    from model.training.train import train

    folder = entry.folder(out)
    written = train(entry.settings, run_folder=folder / "run", artifact_folder=folder / "artifact", workers=workers)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    export(written)
    segmenter = load(written.folder, engine="openvino", precision="f32")
    scores = evaluate(segmenter, open_samples(entry.settings.validation, "val"))
    history = written.card["training"]["history"]
    return {
        "label": entry.label,
        "settings": _plain(entry.settings),
        "keras_sha256": written.card["keras_sha256"],
        "parameters": written.card["parameters"],
        "multiply_adds": _multiply_adds(written),
        "training_seconds": sum(epoch["seconds"] for epoch in history),
        "peak_megabytes": round(memory),
        "backend": written.card["training"]["backend"],
        "scores": scores.as_dict(),
    }


def _multiply_adds(written: artifact.Artifact) -> int:
    import keras

    from model.networks.costs import multiply_adds

    return multiply_adds(keras.saving.load_model(written.keras_path, compile=False), written.size)


def _plain(settings: Settings) -> dict:
    """Return settings as they come back from JSON."""
    return json.loads(json.dumps(asdict(settings)))


def _write(path: Path, result: dict) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    os.replace(partial, path)
