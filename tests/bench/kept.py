"""What trials might have kept: small round numbers, whose ratios are plain to see."""

from __future__ import annotations

ROUNDS = 4


def rounds(*, overlay: float = 50, network: float = 20, benchmark_app: float = 20, decode: float = 5) -> dict:
    """Services that always take as long, in ms; the tutorial 800 for an overlay and 160 for JSON."""
    about = {"precision": "f32", "threads": 2, "size": [320, 640], "bytes": {"fpng": 2e6, "streetseg": 1e6}}
    codecs = {
        "decode": {"simplejpeg": [decode, decode], "Pillow": [9, 9], "streetseg": [0.1, 0.1]},
        "encode": {"fpng": [15, 15], "streetseg": [0.1, 0.1]},
    }
    services = {
        "streetseg": _service(overlay, 20, {"network": network, "total": 45}),
        "streetseg f32": _service(60, 30, {"network": 25, "total": 50}),
        "tutorial": _service(800, 160, {}),
    }
    alone = {"network": [[21.0]] * ROUNDS, "benchmark_app": [benchmark_app] * ROUNDS, "codecs": [codecs] * ROUNDS}
    return {"services": services, **alone, "about": about}


def throughput(*, ours: float = 40.0) -> dict:
    """Ours, the tutorial, and three frameworks of which another is the best in each turn, with 8 and then 10."""
    rates = {"streetseg": [ours, ours], "tutorial": [2, 2], "BentoML": [8, 6], "LitServe": [7, 10], "Ray Serve": [5, 5]}
    tried = {name: {"1": 5.0, "2": 6.0} for name in ("BentoML", "LitServe", "Ray Serve")}
    services = {name: [_turn(rate) for rate in each] for name, each in rates.items()}
    return {"tried": tried, "workers": dict.fromkeys(tried, "2"), "services": services}


def clients(*, slowest: float = 800.0, errors: int = 0) -> dict:
    """40 answers a second however many clients, so 32 of them wait 800 ms; the slowest answer takes longer."""
    entry = {"per_second": 40.0, "milliseconds": [700.0] * 98 + [slowest] * 2, "errors": ["status 429"] * errors}
    return {number: [entry, entry] for number in ("1", "2", "4", "8", "32")}


def starting() -> dict:
    """Start 6 times quicker, memory 2 times smaller."""
    same = {"first": [50.0, 60.0], "errors": [], "requests": 1001}
    return {
        "streetseg": {"ready": [1.0, 0.5], "rss": 300.0, "pss": 290.0, **same},
        "streetseg tensorflow": {"ready": [6.0, 3.0], "rss": 600.0, "pss": 590.0, **same},
    }


def stages() -> dict:
    """30 ms that cost 50 ms of two processors: 40 a second at most."""
    overlay = {"decode": [5.0, 5.0], "resize": [2.0, 4.0], "network": [10.0, 20.0], "labels": [3.0, 3.0]}
    overlay["render"] = [10.0, 18.0]
    return {"overlays": [overlay] * 3, "about": {"precision": "int8", "threads": 2, "size": [320, 640]}}


def install(megabytes: float = 400.0) -> dict:
    """One package is nearly all of it."""
    return {"apparent": megabytes, "blocks": megabytes + 10, "largest": {"openvino": megabytes - 1}}


def trial(result: dict, **about: object) -> dict:
    """A result as it is kept."""
    machine = {"Processor": "Some processor, 2 to use", "Memory": "8 GB", "System": "Linux", "Packages": "ray 2"}
    known = {"date": "2026-01-31", "commit": "abc", "load": 0.25, "pictures": "6 streets", "machine": machine}
    return {"about": {**known, "quick": False, "seconds": 90.0, **about}, "result": result}


def everything() -> dict[str, dict[str, dict]]:
    """All trials on photographs, and the rounds on generated streets."""
    results = {"rounds": rounds(), "throughput": throughput(), "clients": clients(), "starting": starting()}
    results |= {"stages": stages()}
    photographs = {name: trial(result) for name, result in {**results, "install": install()}.items()}
    return {"photographs": photographs, "generated": {"rounds": trial(rounds(), pictures="3 generated streets")}}


def _service(overlay: float, answer: float, timings: dict[str, float]) -> dict:
    return {
        "overlay": {"milliseconds": [[overlay] * 2] * ROUNDS, "timings": [[timings] * 2] * ROUNDS},
        "json": {"milliseconds": [[answer] * 2] * ROUNDS, "timings": [[timings] * 2] * ROUNDS},
        "equal": [1.0, 0.9995],
        "errors": [],
        "different": 0,
        "idle": 0.01,
    }


def _turn(per_second: float) -> dict:
    times = {"milliseconds": [8000 / per_second] * 10, "alone": [1000 / per_second] * 3}
    return {"per_second": per_second, **times, "equal": [1.0], "errors": [], "ready": 4.0, "rss": 900.0, "pss": 800.0}
