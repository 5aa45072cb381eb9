"""Damaged pictures of every accepted format, by number: each is answered or refused, soon, and the worker lives."""

from __future__ import annotations

import argparse
import base64
import collections
import http.client
import json
import sys
import threading
import time
from typing import NamedTuple

from bench.reliability import Verdict
from bench.reliability.mutations import Mutant, mutant
from bench.reliability.target import Target, started

BAR = "0 server errors, 0 unanswered, 0 over 5 s, the same worker, memory flat (what stays within 5 %)"
LONGEST = 5.0  # seconds
# What a picture may be answered with: done, or refused as damaged, too large, or no picture.
EXPECTED = (200, 400, 413, 415)
_FORMATS = ("json", "overlay", "mask")
_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff")
_SAMPLES = 80
# What may stay in memory at the end of the last quarter, against the second.
_GROWTH = 1.05


class Case(NamedTuple):
    """What became of one mutant: its number, the status (0: no answer), and seconds."""

    number: int
    mutant: Mutant
    status: int
    seconds: float


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--cases", type=int, default=60_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first, to repeat a part")
    parser.add_argument("--clients", type=int, default=2, help="that ask at the same time")


def run(arguments: argparse.Namespace) -> Verdict:
    """Send them all."""
    numbers = range(arguments.first, arguments.first + arguments.cases)
    with started() as target:
        worker = target.worker()
        cases, resident = ask_all(target, numbers, clients=arguments.clients)
        same = target.worker() == worker
    bad = [case for case in cases if case.status not in EXPECTED or case.seconds > LONGEST]
    for case in bad[:20]:
        print(f"  {case.number} ({case.mutant.way} {case.mutant.origin}): {case.status}, {case.seconds:.1f} s")
    # The allocator's pools fill for longer than 20,000 mutants last, so that fewer than 60,000 cannot tell. Only at
    # the lowest nothing large is in hand: some mutants have 36 million pixels, and whether a sample falls on one is
    # chance, which is why the highest is shown and not judged.
    quarter = max(1, len(resident) // 4)
    before, after = resident[quarter : 2 * quarter], resident[-quarter:]
    counts = collections.Counter(case.status for case in cases)
    answers = ", ".join(f"{status}: {counts[status]:,}" for status in sorted(counts))
    figures = (
        f"{len(cases):,} mutants, answers {answers}; slowest {max(case.seconds for case in cases):.2f} s; "
        f"{'the same' if same else 'ANOTHER'} worker; memory {_range(before)} MB in the second quarter, "
        f"{_range(after)} in the last"
    )
    flat = min(after) <= _GROWTH * min(before)
    return Verdict(figures, BAR, not bad and same and flat and len(cases) == len(numbers))


def _range(resident: list[int]) -> str:
    return f"{min(resident) / 1e6:.0f} to {max(resident) / 1e6:.0f}"


def ask_all(target: Target, numbers: range, *, clients: int) -> tuple[list[Case], list[int]]:
    """Send the mutants of these numbers; return what became of each, and resident memory in bytes on the way."""
    cases: list[Case] = []
    resident = [target.resident()]
    left = iter(numbers)
    lock = threading.Lock()

    def ask() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            case = one(target.port, number)
            with lock:
                cases.append(case)
                if len(cases) % max(1, len(numbers) // _SAMPLES) == 0:
                    resident.append(target.resident())
                    print(f"\r  {len(cases):,}", end="", file=sys.stderr, flush=True)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(file=sys.stderr)
    return cases, resident


def one(port: int, number: int) -> Case:
    """Send one mutant on a connection of its own: as a body, in a form, in JSON, or as other clients would."""
    made = mutant(number)
    path, content_type, body = _wrapped(made.data, number)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    start = time.perf_counter()
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return Case(number, made, status, time.perf_counter() - start)


def _wrapped(data: bytes, number: int) -> tuple[str, str, bytes]:
    """Return the address, the content type and the body for a file."""
    predict = f"/predict?format={_FORMATS[number % len(_FORMATS)]}"
    if number % 13 == 0:
        tensor = {"name": "file", "datatype": "BYTES", "shape": [1], "data": [_base64(data)]}
        return "/v2/models/unet/infer", "application/json", json.dumps({"inputs": [tensor]}).encode("ascii")
    if number % 11 == 0:
        return "/compat/huggingface", "application/octet-stream", data
    if number % 7 == 0:
        return predict, "application/json", json.dumps({"image": _base64(data)}).encode("ascii")
    if number % 5 == 0:
        boundary = "----mutant"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        tail = f"\r\n--{boundary}--\r\n"
        return predict, f"multipart/form-data; boundary={boundary}", head.encode() + data + tail.encode()
    return predict, _TYPES[number % len(_TYPES)], data


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
