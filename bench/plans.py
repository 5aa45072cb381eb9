"""`python -m bench.plans FOLDER`: what each size of an Azure App Service plan gives and takes.

For each size two trials of `startup.sh` in a control group with as many processors and as much memory: at the limit,
closed loops of uploads of the folder's photographs, more of them than are worked on at once; and the largest pictures
that the service takes, all kinds of them at once, beside ordinary uploads. The clients are outside the group. Fails
where a process was killed for memory, the worker was replaced, an answer was neither right nor a refusal with
Retry-After, or the start took too long.

Needs Linux and root. What the limits leave out: App Service's own processes, which take some of a plan's memory, and
its storage, from which a first start reads the packages; here they lie in the machine's memory already.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench import driver, largest, machine, photographs
from bench.contenders import ROOT
from bench.groups import Group
from bench.photographs import Set
from bench.reliability.target import Reply, Target, percentile, started

RESULT = ROOT / "bench" / ".results" / "plans.json"
READY_LIMIT = 15.0  # seconds
COUNT = 6
_TIMEOUT = 300.0  # seconds
_SAMPLE_INTERVAL = 0.1  # seconds
_BOOTED = "Booting worker with pid"


class Size(NamedTuple):
    """Of a plan: which have it, processors, and memory in gigabytes of 1,000,000,000 bytes."""

    plans: str
    cores: float
    gigabytes: float


SIZES = {"1x1.75": Size("B1, S1", 1, 1.75), "2x3.5": Size("B2, S2", 2, 3.5), "1x4": Size("P0v3", 1, 4)}


@dataclass
class Seen:
    """What the clients saw: answers by kind, seconds that each right one took, and those that nothing excuses."""

    answers: Counter = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, reply: Reply, size: tuple[int, int] | None, *, counts: bool = True) -> bool:
        """Count an answer; return whether it has to be asked for again."""
        kind = kind_of(reply, size)
        with self.lock:
            self.answers[kind] += 1
            if kind == "200" and counts:
                self.times.append(reply.seconds)
        return kind in REFUSED


REFUSED = ("429 with Retry-After", "503 with Retry-After")


def kind_of(reply: Reply, size: tuple[int, int] | None) -> str:
    """Say in a few words what an answer is: "200" where it is a PNG of (height, width), or where no size is given."""
    if reply.status in (429, 503):
        told = reply.headers.get("retry-after", "").isdecimal()
        return f"{reply.status} {'with' if told else 'WITHOUT'} Retry-After"
    if reply.status == 200 and size is not None:
        return driver.problem_of(reply.status, reply.body, kind="png", size=size) or "200"
    return str(reply.status or "no answer")


def main(arguments: list[str] | None = None) -> int:
    """Run the trials, print a table of each and keep both as JSON; 1 where one fails."""
    options = _parser().parse_args(arguments)
    try:
        pictures = photographs.folder(options.folder, COUNT)
        # The service in the group has the same environment.
        allowed = os.environ.get("STREETSEG_MAX_MEGAPIXELS")
        heavy = largest.pictures(pictures.files[0], megapixels=float(allowed) if allowed else None)
        about = {
            "date": datetime.date.today().isoformat(),
            "commit": machine.commit(),
            "load": machine.load(),
            "machine": machine.processor(),
            "pictures": pictures.what,
            "minutes": options.minutes,
            "clients": options.clients,
        }
        print(f"{about['machine']}; load {about['load']:.1f}; commit {about['commit']}; {pictures.what}", flush=True)
        rows = []
        for name in options.sizes:
            for trial, run in (("limit", limit(pictures, options)), ("largest", largest_at_once(pictures, heavy))):
                rows.append({"size": name, "trial": trial, **measure(size_of(name), run)})
                print(line(rows[-1]), flush=True)
    except (RuntimeError, ValueError) as error:
        print(f"bench.plans: {error}", file=sys.stderr)
        return 1
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n", "utf-8")
    print(f"\n{table(rows)}\n\nWritten: {options.result}")
    failed = [f"{row['size']}, {row['trial']}: {each}" for row in rows for each in row["failures"]]
    print("\n".join(["", *failed]) if failed else "\nEvery bar is kept.")
    return 1 if failed else 0


def measure(size: Size, trial: Callable[[Target, Seen], float]) -> dict:
    """Start the service in a group of this size, run a trial and return what was seen, ready for JSON.

    Args:
        size: of the group.
        trial: asks, notes what came, and returns the seconds in which the times it noted were taken.
    """
    seen = Seen()
    memory = int(size.gigabytes * 1e9)
    with tempfile.TemporaryDirectory() as scratch, Group(cores=size.cores, memory=memory) as group:
        start = group.starter([str(ROOT / "startup.sh")], Path(scratch) / "start")
        begun = time.monotonic()
        with started(start=start) as target:
            ready = time.monotonic() - begun
            with _sampled(group) as resident:
                used, begun = time.process_time(), time.monotonic()
                counted = trial(target, seen)
                seconds, used = time.monotonic() - begun, time.process_time() - used
            after = group.read()
            boots = target.log().count(_BOOTED)
    row = {
        "ready_seconds": ready,
        "seconds": seconds,
        "answers": dict(seen.answers),
        "per_second": len(seen.times) / counted,
        "median_ms": statistics.median(seen.times) * 1000 if seen.times else None,
        "p95_ms": percentile(seen.times, 0.95) if seen.times else None,
        "limit_bytes": memory,
        "peak_bytes": after.peak,
        "resident_bytes": max(resident),
        "reclaimed": after.reclaimed,
        "killed": after.killed,
        "restarts": boots - 1,
        # Of one processor: what the clients took from the service, where both share them.
        "clients_share": used / seconds,
    }
    return {**row, "failures": failures(row)}


def failures(row: dict) -> list[str]:
    """Say of a row, in words, what must not be."""
    found = [f"processes killed for memory: {row['killed']}"] if row["killed"] else []
    if row["restarts"]:
        found.append(f"the worker was replaced: {row['restarts']}")
    if row["ready_seconds"] >= READY_LIMIT:
        found.append(f"ready after {row['ready_seconds']:.1f} s, {READY_LIMIT:g} are allowed")
    found += [f"answered {kind}: {count}" for kind, count in row["answers"].items() if kind not in ("200", *REFUSED)]
    if not row["answers"].get("200"):
        found.append("no answer was right")
    return found


def table(rows: list[dict]) -> str:
    """Return the rows as tables in Markdown."""
    head = "| plan | ready | uploads a second | median | p95 | refused | most memory | resident | killed | restarts |"
    lines = []
    for trial, title in (("limit", "At the limit"), ("largest", "The largest pictures at once")):
        lines += ["", f"{title}:", "", head, "|---" * (head.count("|") - 1) + "|"]
        lines += [_row(row) for row in rows if row["trial"] == trial]
    return "\n".join(lines).strip()


def line(row: dict) -> str:
    """Return a row as a line to look at while the rest runs."""
    return (
        f"{row['size']}, {row['trial']}: ready in {row['ready_seconds']:.1f} s; {row['answers']} in "
        f"{row['seconds']:.0f} s; resident {row['resident_bytes'] / 1e6:.0f} of {row['limit_bytes'] / 1e6:.0f} MB; "
        f"files let go of {row['reclaimed']} times; the clients took {row['clients_share']:.2f} of a processor"
    )


def _row(row: dict) -> str:
    size = size_of(row["size"])
    refused = sum(count for kind, count in row["answers"].items() if kind in REFUSED)
    times = [f"{row[name] / 1000:.2f} s" if row[name] is not None else "-" for name in ("median_ms", "p95_ms")]
    name = f"{size.cores:g} {'core' if size.cores == 1 else 'cores'}, {size.gigabytes:g} GB"
    cells = [
        f"{name} ({size.plans})" if size.plans else name,
        f"{row['ready_seconds']:.1f} s",
        f"{row['per_second']:.2f}",
        *times,
        refused,
        f"{row['peak_bytes'] / 1e6:.0f} MB" if row["peak_bytes"] else "not told",
        f"{row['resident_bytes'] / 1e6:.0f} MB",
        row["killed"],
        row["restarts"],
    ]
    return f"| {' | '.join(map(str, cells))} |"


def limit(pictures: Set, options: argparse.Namespace) -> Callable[[Target, Seen], float]:
    """Return the trial of closed loops of ordinary uploads, for `options.minutes`, by `options.clients`."""

    def run(target: Target, seen: Seen) -> float:
        ends = time.monotonic() + 60 * options.minutes

        def keep_asking(number: int) -> None:
            while time.monotonic() < ends:
                number = (number + 1) % len(pictures.files)
                reply = target.ask("POST", "/predict", pictures.files[number], timeout=_TIMEOUT)
                # The last answers come when the time is over, and nobody waits behind them any more.
                if seen.note(reply, pictures.sizes[number], counts=time.monotonic() <= ends):
                    _wait_as_told(reply, ends)
                elif reply.status != 200:
                    time.sleep(0.5)  # whatever it is, it should not be asked for at full speed

        _at_once([lambda number=number: keep_asking(number) for number in range(options.clients)])
        return 60 * options.minutes

    return run


def largest_at_once(pictures: Set, heavy: dict[str, bytes]) -> Callable[[Target, Seen], float]:
    """Return the trial of all the largest pictures at once, each until it was answered in each way, beside one more."""

    def run(target: Target, seen: Seen) -> float:
        begun = time.monotonic()
        left = threading.Event()

        def ask_until_answered(path: str, body: bytes) -> None:
            while seen.note(reply := target.ask("POST", path, body, timeout=_TIMEOUT), None, counts=True):
                _wait_as_told(reply, time.monotonic() + _TIMEOUT)

        def ask_all(body: bytes) -> None:
            for asked in largest.ASKED:
                ask_until_answered(f"/predict?format={asked}", body)

        def go_on() -> None:
            while not left.is_set():
                ask_until_answered("/predict", pictures.files[0])

        others = threading.Thread(target=go_on)
        others.start()
        _at_once([lambda body=body: ask_all(body) for body in heavy.values()])
        left.set()
        others.join()
        return time.monotonic() - begun

    return run


def _wait_as_told(reply: Reply, ends: float) -> None:
    time.sleep(max(0.0, min(int(reply.headers["retry-after"]), ends - time.monotonic())))


def _at_once(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _sampled(group: Group) -> Iterator[list[int]]:
    """Look at the resident memory again and again while the block runs."""
    resident, done = [group.read().resident], threading.Event()

    def sample() -> None:
        while not done.wait(_SAMPLE_INTERVAL):
            resident.append(group.read().resident)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield resident
    finally:
        done.set()
        thread.join()


def size_of(name: str) -> Size:
    """Return the size of this name, such as 1x1.75.

    Raises:
        ValueError: it is not one.
    """
    if name in SIZES:
        return SIZES[name]
    cores, _, gigabytes = name.partition("x")
    try:
        size = Size("", float(cores), float(gigabytes))
    except ValueError:
        size = Size("", 0, 0)
    if size.cores <= 0 or size.gigabytes <= 0:
        raise ValueError(f"Received the size {name!r}. Expected processors x gigabytes, such as 1x1.75.")
    return size


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of photographs, of 2048x1024 for figures to compare")
    parser.add_argument("--minutes", type=float, default=10, help="at the limit, of each size")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), metavar="CORESxGB", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--clients", type=int, default=8, help="at the limit; over 33 of them, some are refused")
    parser.add_argument("--result", type=Path, default=RESULT, metavar="FILE", help="JSON of what was seen")
    return parser


if __name__ == "__main__":
    sys.exit(main())
