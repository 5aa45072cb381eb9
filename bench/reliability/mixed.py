"""Mixed traffic for half an hour: photographs of several sizes, every kind of answer, refusals, clients that leave."""

from __future__ import annotations

import argparse
import itertools
import socket
import threading
import time

from bench.reliability import Verdict
from bench.reliability.target import Target, photograph, started

BAR = "resident memory at the end within 3 % of that after a sixth of the time; no descriptor more"
GROWTH = 1.03
_ASKED = (
    "overlay",
    "overlay&outline=1&palette=colorblind",
    "overlay&size=network",
    "mask",
    "cityscapes&categories=human,vehicle",
    "confidence",
    "json",
    "json&mask=png",
    "json&mask=rle",
    "json&mask=polygons",
    "csv",
    "coco",
    "zip",
    "banana",
)
_SIZES = ((320, 640), (480, 640), (1024, 2048), (64, 64))


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--clients", type=int, default=4)


def run(arguments: argparse.Namespace) -> Verdict:
    """Look at the worker's memory and descriptors, each time with nothing running."""
    with started() as target:
        answered = traffic(target, arguments.seconds / 6, arguments.clients)
        early = settled(target)
        answered += traffic(target, arguments.seconds * 5 / 6, arguments.clients)
        late = settled(target)
    figures = (
        f"{answered} requests, resident {early[0] / 1e6:.1f} -> {late[0] / 1e6:.1f} MB "
        f"({100 * (late[0] / early[0] - 1):+.1f} %), descriptors {early[1]} -> {late[1]}"
    )
    return Verdict(figures, BAR, late[0] <= GROWTH * early[0] and late[1] <= early[1])


def traffic(target: Target, seconds: float, clients: int) -> int:
    """Send mixed requests for so long; return how many."""
    ends = time.monotonic() + seconds
    bodies = [photograph(number, height=height, width=width) for number, (height, width) in enumerate(_SIZES)]
    bodies.append(bodies[0][:2000])
    counts = [0] * clients

    def keep_asking(client: int) -> None:
        kinds = itertools.cycle(itertools.product(bodies, _ASKED))
        for body, asked in itertools.islice(kinds, client * 7, None):
            if time.monotonic() >= ends:
                return
            target.ask("POST", f"/predict?format={asked}", body)
            counts[client] += 1
            if counts[client] % 10 == 0:
                _leave(target.port, body)
                target.ask("GET", "/metrics")

    threads = [threading.Thread(target=keep_asking, args=(client,)) for client in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def settled(target: Target) -> tuple[int, int]:
    """Return resident bytes and open descriptors once connections have been put away."""
    time.sleep(3)
    return target.resident(), target.descriptors()


def _leave(port: int, body: bytes) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
