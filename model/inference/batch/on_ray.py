"""Actors of a Ray cluster that take an image each, as the threads of one process do: the same files come out.

Ray Data is what people run already for offline inference: it places the actors, starts those anew that die, gives their
images to others, and holds images back while its memory is full. Nodes have this package, and see photographs and
answers at the same paths: an image of it, and a file system that they share, or a store that each reaches by itself.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import pickle
import socket
from collections.abc import Iterator
from pathlib import Path

from model.inference.batch import memory, on_store, stores
from model.inference.batch.crew import Crew, Tasks
from model.inference.batch.inputs import Item
from model.inference.batch.one import Answer, Job, answer
from model.inference.batch.output import Output

LOCAL = "local"
"""The address of a cluster that is started for this job, on this machine."""

# An actor that dies loses at most this many, which another one makes again; they are known to be done once all are.
_IMAGES_AT_A_TIME = 8


def check() -> None:
    """Refuse with a `ValueError` where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise ValueError("--ray needs Ray Data, which is not installed: `pip install -r requirements-ray.txt`.")


def actors(
    address: str,
    *,
    artifact: Path,
    engine: str,
    precision: str,
    count: int,
    input_size: tuple[int, int] | None = None,
) -> Crew:
    """Return a crew of actors, each with a network of its own on one processor.

    Args:
        address: of the cluster, such as `ray://head:10001` or `auto`; `LOCAL` starts one here.
        artifact: folder of the network, on every node.
        engine: as in `segmenter.load`.
        precision: likewise; `auto` is decided here, so that all nodes say the same.
        count: of actors; 0 for as many as the cluster has processors.
        input_size: as in `segmenter.load`.
    """

    def crew(tasks: Tasks, output: Output, job: Job) -> Iterator[tuple[Item, Answer]]:
        if tasks:
            network = {"engine": engine, "precision": precision, "input_size": input_size}
            setting = {"network": network | {"folder": artifact.resolve()}}
            yield from _answered(tasks, address, count, setting | {"folder": output.folder.resolve(), "job": job})

    return crew


class _Actor:
    """Makes the answers of images, in a process of Ray's."""

    def __init__(self, *, network: dict, folder: Path | stores.StorePath, job: Job) -> None:
        from model.inference import segmenter

        memory.keep_freed(images=1)
        self._job, self._output = job, on_store.output(folder)
        self._segmenter = segmenter.load(**network, threads=1)

    def __call__(self, row: dict) -> dict:
        item, missing = pickle.loads(row["task"])
        try:
            found = answer(item, missing, segmenter=self._segmenter, output=self._output, job=self._job)
        except OSError as error:
            # An answer that cannot be written: raised here, Ray would show it within pages of its own.
            found = error
        return {"number": row["number"], "answer": pickle.dumps(found)}


def _answered(tasks: Tasks, address: str, count: int, setting: dict) -> Iterator[tuple[Item, Answer]]:
    ray, data = importlib.import_module("ray"), importlib.import_module("ray.data")
    with _connected(ray, address):
        count = count or int(ray.cluster_resources().get("CPU", 1))
        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"number": number, "task": pickle.dumps(task)} for number, task in enumerate(tasks)]
        blocks = max(count, -(-len(rows) // _IMAGES_AT_A_TIME))
        answers = data.from_items(rows, override_num_blocks=min(len(rows), blocks)).map(
            _Actor,
            fn_constructor_kwargs=setting,
            compute=data.ActorPoolStrategy(size=min(count, len(rows))),
            num_cpus=1,
        )
        for row in answers.iter_rows():
            found = pickle.loads(row["answer"])
            if isinstance(found, OSError):
                raise found
            yield tasks[row["number"]][0], found


@contextlib.contextmanager
def _connected(ray, address: str) -> Iterator[None]:
    """Connect to the cluster, unless this process is; leave it again."""
    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    where = {} if address == LOCAL else {"address": address}
    try:
        _knock(address)
        ray.init(**where, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"No Ray cluster answers at {address}: {error}. Expected an address such as ray://head:10001, auto for the "
            f"one that runs on this machine, or {LOCAL} to start one for this job."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens: Ray itself asks for six minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()
