"""What each stage of an overlay costs by itself: time, and time of all processors together, without HTTP.

The second is what bounds answers a second, however many clients there are.
"""

from __future__ import annotations

from bench.inprocess import InProcess
from bench.trials import Bench


def run(bench: Bench) -> dict:
    """Make overlays in one process, one after the other.

    Returns:
        `overlays`: of each, by stage, [ms that passed, ms of all processors]; `about`: what the network runs as.
    """
    with InProcess(bench.pictures.files, precision="auto") as inside:
        inside.ask(stages=2)  # warms
        overlays = inside.ask(stages=5 if bench.quick else 30)["overlays"]
        about = {name: inside.about[name] for name in ("precision", "threads", "size")}
    return {"overlays": overlays, "about": about}
