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
import os
import pickle
import socket
from collections import deque
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
# Answers that an asking process outside the cluster is waiting for at a time, so that the way there takes none.
_ASKED_FOR = 32
_TRIES = 3
# By which glibc is asked for huge pages.
_TUNABLES = "GLIBC_TUNABLES"


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


class _Asker:
    """Asks Ray Data from within the cluster: it does not run over Ray Client, by which `ray://` connects."""

    def __init__(self, rows: list[dict], **asked) -> None:
        self._made = _made(rows, **asked)

    def next(self) -> dict | None:
        """Wait for an answer; None where there are no more."""
        return next(self._made, None)


def _answered(tasks: Tasks, address: str, count: int, setting: dict) -> Iterator[tuple[Item, Answer]]:
    ray = importlib.import_module("ray")
    with _connected(ray, address):
        rows = [{"number": number, "task": pickle.dumps(task)} for number, task in enumerate(tasks)]
        count = count or int(ray.cluster_resources().get("CPU", 1))
        asked = {"count": min(count, len(rows)), "setting": setting, "arguments": _tunables(address)}
        made = _made_there(ray, rows, asked) if ray.util.client.ray.is_connected() else _made(rows, **asked)
        for row in _or_a_sentence(ray, made):
            found = pickle.loads(row["answer"])
            if isinstance(found, OSError):
                raise found
            yield tasks[row["number"]][0], found


def _or_a_sentence(ray, made: Iterator[dict]) -> Iterator[dict]:
    """Give what is made; Ray's errors bring the lines of all processes they went through, and end with the cause."""
    try:
        yield from made
    except ray.exceptions.RayError as error:
        cause = str(error).strip().splitlines()[-1]
        raise ValueError(
            f"The cluster gave up: {cause} Expected nodes that live, with this package, and photographs, answers and "
            "network at the same paths. What is made is kept; the same command goes on."
        ) from error


def _made(rows: list[dict], *, count: int, setting: dict, arguments: dict) -> Iterator[dict]:
    """Give the rows to `count` actors, and their answers as they come."""
    data = importlib.import_module("ray.data")
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    blocks = max(count, -(-len(rows) // _IMAGES_AT_A_TIME))
    answers = data.from_items(rows, override_num_blocks=min(len(rows), blocks)).map(
        _Actor,
        fn_constructor_kwargs=setting,
        compute=data.ActorPoolStrategy(size=count),
        num_cpus=1,
        **arguments,
    )
    yield from answers.iter_rows()


def _made_there(ray, rows: list[dict], asked: dict) -> Iterator[dict]:
    """Have it done by a process of the cluster, which is asked for several answers before the first one comes."""
    try:
        asker = ray.remote(num_cpus=0)(_Asker).remote(rows, **asked)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"The nodes of the cluster have no module {error.name!r}. Expected this package there, at this version, "
            "and its folder in the PYTHONPATH with which `ray start` was run."
        ) from error
    waiting = deque(asker.next.remote() for _ in range(_ASKED_FOR))
    while (row := ray.get(waiting.popleft())) is not None:
        waiting.append(asker.next.remote())
        yield row


def _tunables(address: str) -> dict:
    """Let actors take their memory as this process does; those of a cluster that it starts do so by themselves."""
    asked = os.environ.get(_TUNABLES)
    return {} if asked is None or address == LOCAL else {"runtime_env": {"env_vars": {_TUNABLES: asked}}}


@contextlib.contextmanager
def _connected(ray, address: str) -> Iterator[None]:
    """Connect to the cluster, unless this process is; leave it again."""
    if ray.is_initialized():
        yield
        return
    try:
        _knock(address)
        _connect(ray, address)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"No Ray cluster answers at {address}: {error}. Expected an address such as ray://head:10001, auto for the "
            f"one that runs on this machine, or {LOCAL} to start one for this job; and RAY_AUTH_MODE=token in the "
            "environment, with the token of its head in ~/.ray/auth_token, where the cluster asks for one."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _connect(ray, address: str) -> None:
    for left in reversed(range(_TRIES)):
        try:
            ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
        except ConnectionAbortedError:
            # Now and then the process dies that a head starts for a client: https://github.com/ray-project/ray/issues/63202
            if not left:
                raise
        else:
            return


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens: Ray itself asks for six minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()
