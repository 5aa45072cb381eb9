"""Threads that take an image each all the way, from its bytes to the files of its answers.

As many as there are processors compute at a time, each decoding, running the network and encoding for its image. One
more would take a processor from the others, and what they have in its cache with it: 1 to 4 % of the processors' time,
measured on photographs of 640x320 and two processors. Those beyond read and write, so no disk is waited for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from model.inference import processors
from model.inference.batch.inputs import Item
from model.inference.batch.one import Answer, Job, answer
from model.inference.batch.output import Output
from model.inference.segmenter import Segmenter

Tasks = Sequence[tuple[Item, tuple[str, ...]]]
"""Images, and which answers each is missing."""

Crew = Callable[[Tasks, Output, Job], Iterator[tuple[Item, Answer]]]
"""What makes the missing answers, and yields each image as it is done, in any order."""


def threads(segmenter: Segmenter, count: int) -> Crew:
    """Return a crew of threads of this process.

    Args:
        segmenter: the network; its engine should have as many streams as there are processors.
        count: of threads, and of images in hand at a time.
    """
    seats = threading.BoundedSemaphore(min(count, processors.count()))

    def crew(tasks: Tasks, output: Output, job: Job) -> Iterator[tuple[Item, Answer]]:
        return _answered(tasks, partial(answer, segmenter=segmenter, output=output, job=job, seat=seats), count)

    return crew


def _answered(
    waiting: Sequence[tuple[Item, tuple[str, ...]]], make: Callable[[Item, tuple[str, ...]], Answer], threads: int
) -> Iterator[tuple[Item, Answer]]:
    """Yield each image with its entry and outputs, or with why it failed, as they come."""
    todo, done = iter(waiting), queue.Queue(maxsize=2 * threads)
    lock, stop = threading.Lock(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            with lock:
                item, missing = next(todo, (None, ()))
            if item is None:
                break
            try:
                done.put((item, make(item, missing)))
            except BaseException as error:  # noqa: BLE001 - of any kind, it belongs to the thread that waits
                done.put((item, error))
                break
        done.put(None)

    workers = [threading.Thread(target=work, name=f"image-{number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        left = threads
        while left:
            result = done.get()
            if result is None:
                left -= 1
                continue
            if isinstance(result[1], BaseException):
                raise result[1]
            yield result
    finally:
        stop.set()
        # Those that wait to hand something over find room.
        while any(worker.is_alive() for worker in workers):
            try:
                done.get(timeout=0.05)
            except queue.Empty:
                continue
