"""Accelerators and hosts: batches are shared out, weights are not, by `keras.distribution` on JAX.

Every process runs the same program on its part of each batch; JAX adds up gradients and batch norm statistics over all
of them, so a step gives what one device would give for the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import keras
import numpy as np


class Devices:
    """Where a run's steps are computed.

    Attributes:
        names: of all devices, on all hosts; empty where Keras chooses.
        processes: how many take part.
        process: which of them this is, from 0.
    """

    def __init__(self, names: Sequence[str] = (), *, processes: int = 1, process: int = 0):
        self.names = tuple(names)
        self.processes = processes
        self.process = process
        parallel = len(self.names) > 1
        self._distribution = (
            keras.distribution.DataParallel(devices=list(names), auto_shard_dataset=False) if parallel else None
        )

    @property
    def writes(self) -> bool:
        """True in the one process that writes files and talks."""
        return self.process == 0

    def describe(self) -> dict:
        """Return what the card tells of them."""
        return {"processes": self.processes, "names": list(self.names)}

    def check(self, *, batch_size: int) -> None:
        """See that a batch can be shared out.

        Raises:
            ValueError: the batch size is no multiple of the number of devices.
        """
        if self.names and batch_size % len(self.names):
            raise ValueError(
                f"--batch-size is {batch_size} on {len(self.names)} devices. Expected a multiple: each gets its share."
            )

    def check_same(self, number: int, what: str) -> None:
        """See that all processes have the same number, such as that of the epochs they found finished.

        Raises:
            ValueError: they do not.
        """
        if self.total(np.array([number])) != number * self.processes:
            raise ValueError(
                f"The {self.processes} processes do not agree on the {what}: here there are {number}. Expected a "
                "folder that all hosts see, such as one on a network drive."
            )

    def say(self, text: str) -> None:
        """Print a line, once for all processes."""
        if self.writes:
            print(text, flush=True)

    def scope(self):
        """Return a context in which models are made and trained on all devices."""
        return nullcontext() if self._distribution is None else self._distribution.scope()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within `scope`, a context in which models are made and run on this process's own first device."""
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)

    def share(self, things: Sequence) -> Sequence:
        """Return this process's part of things that the processes do one by one."""
        return things[self.process :: self.processes]

    def total(self, counts: np.ndarray) -> np.ndarray:
        """Return the sum of int64 arrays of one shape over all processes, the same in each of them."""
        if self.processes == 1:
            return counts
        from jax.experimental import multihost_utils

        # JAX would cut int64 down to int32, so the bytes travel.
        gathered = multihost_utils.process_allgather(np.frombuffer(counts.tobytes(), np.uint8))
        return np.frombuffer(np.asarray(gathered).tobytes(), np.int64).reshape(self.processes, *counts.shape).sum(0)


def choose(wanted: str = "auto") -> Devices:
    """Choose the devices to train on.

    Args:
        wanted: `auto` for all that JAX sees, on all hosts, and for Keras's own choice of one on another backend; or how
            many of them.

    Returns:
        The devices.

    Raises:
        ValueError: the number is none, more than there are, or more than one on a backend that can't share.
    """
    count = _count(wanted)
    if keras.backend.backend() != "jax":
        if count is not None and count > 1:
            raise ValueError(
                f"--devices is {count} on the backend {keras.backend.backend()}. Expected 1 or auto: "
                "keras.distribution shares batches out on JAX alone, so set the environment variable KERAS_BACKEND=jax."
            )
        return Devices()
    import jax

    names = keras.distribution.list_devices()
    if count is not None and (count > len(names) or (jax.process_count() > 1 and count != len(names))):
        raise ValueError(f"--devices is {count}. Expected auto, or at most what JAX sees: {', '.join(names)}.")
    return Devices(names[:count], processes=jax.process_count(), process=jax.process_index())


def join(hosts: str | None, index: int | None) -> None:
    """Join the other hosts of a run; to be called before anything else of Keras or JAX.

    Args:
        hosts: addresses `host:port` of all of them, parted by commas, the first of which leads; `auto` where JAX finds
            them out from its surroundings (Slurm, Open MPI, Kubernetes, Cloud TPU); None for this host alone.
        index: which of the addresses is this host, from 0; None with `auto`.

    Raises:
        ValueError: the backend is not JAX, or addresses and index do not fit together.
    """
    if hosts is None:
        if index is not None:
            raise ValueError(f"--host-index is {index} without --hosts. Expected the addresses of all hosts there.")
        return
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"--hosts on the backend {keras.backend.backend()}. Expected JAX: set the environment variable "
            "KERAS_BACKEND=jax on every host."
        )
    if hosts == "auto":
        keras.distribution.initialize()
        return
    addresses = hosts.split(",")
    if index is None or not 0 <= index < len(addresses):
        raise ValueError(f"--host-index is {index} for {len(addresses)} --hosts. Expected 0 to {len(addresses) - 1}.")
    keras.distribution.initialize(hosts, len(addresses), index)


def _count(wanted: str) -> int | None:
    if wanted == "auto":
        return None
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"--devices is {wanted}. Expected auto, or a number of at least 1.")
    return int(wanted)
