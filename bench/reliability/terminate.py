"""SIGTERM under load: every request whose connection was made gets its answer."""

from __future__ import annotations

import argparse
import collections
import signal
import socket
import threading
import time

from bench.reliability import Verdict
from bench.reliability.target import Target, photograph, started

BAR = "no request that was accepted is lost"


def options(parser: argparse.ArgumentParser) -> None:
    """Add what this trial may be told."""
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)


def run(arguments: argparse.Namespace) -> Verdict:
    """Start, load and stop the service several times."""
    counts: collections.Counter = collections.Counter()
    statuses = []
    for _ in range(arguments.times):
        with started() as target:
            counts += stop_under_load(target, arguments.clients)
            statuses.append(target.process.wait(60))
    figures = f"{dict(counts)} in {arguments.times} stops, exit statuses {statuses}"
    return Verdict(figures, BAR, set(counts) <= {"answered", "told to try again"} and not any(statuses))


def stop_under_load(target: Target, clients: int) -> collections.Counter:
    """Ask from all clients until the port is closed; return what became of the requests."""
    counts: collections.Counter = collections.Counter()
    counting = threading.Lock()

    def keep_asking(number: int) -> None:
        body = photograph(number)
        while (kind := ask_once(target.port, body)) != "not accepted":
            with counting:
                counts[kind] += 1

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    target.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    return counts


def ask_once(port: int, body: bytes) -> str:
    """Send one request on a connection of its own; say in words what became of it."""
    head = "POST /predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: image/jpeg\r\n"
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    except OSError:
        return "not accepted"
    with connection:
        try:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return "LOST"
    status = answer[9:12]
    if status == b"200":
        return "answered"
    return "told to try again" if status in (b"429", b"503") else "LOST"
