"""Who is measured, and how each is started: on the same network, for the same `POST /predict`, on 127.0.0.1.

`STREETSEG_ARTIFACT` names the folder of the network to all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from model.inference import processors

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable

# Nobody counts, and nothing is sent anywhere.
QUIET = {
    "BENTOML_DO_NOT_TRACK": "True",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DO_NOT_TRACK": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "KERAS_BACKEND": "tensorflow",
}


@dataclass(frozen=True)
class Contender:
    """A service, and how to reach it.

    Attributes:
        name: in results and in the report.
        what: one line for the report.
        command: starts it; `{port}` is replaced.
        environment: on top of this process's.
        ready: path that answers 200 once a photograph may be sent.
        json: path of the JSON answer with the mask; None where it makes none.
        multipart: takes the photograph as a form's file part only, not as the body.
        workers: processes that hold the network; None where there is nothing to choose.
    """

    name: str
    what: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/readyz"
    overlay: str = "/predict"
    json: str | None = None
    multipart: bool = False
    workers: int | None = None

    def with_workers(self, workers: int) -> Contender:
        """Return the same contender with as many processes."""
        return replace(self, workers=workers)

    def command_line(self, port: int) -> list[str]:
        """Return the command that serves on this port."""
        return [word.replace("{port}", str(port)) for word in self.command]

    def variables(self, port: int) -> dict[str, str]:
        """Return its whole environment; `threads` of each worker so that all of them together fill the processors."""
        own = {"PORT": str(port), **self.environment}
        if self.workers:
            threads = max(1, processors.count() // self.workers)
            own |= {"BENCH_WORKERS": str(self.workers), "BENCH_THREADS": str(threads)}
        folder = str(Path(PYTHON).parent)
        path = {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}", "VIRTUAL_ENV": sys.prefix}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STREETSEG_")}
        artifact = {"STREETSEG_ARTIFACT": os.environ.get("STREETSEG_ARTIFACT", str(ROOT / "model/artifacts/unet"))}
        return {**kept, **path, **artifact, **QUIET, "PYTHONPATH": str(ROOT), **own}


def _streetseg(name: str, what: str, **settings: str) -> Contender:
    environment = {f"STREETSEG_{key}": value for key, value in settings.items()}
    return Contender(
        name, what, (str(ROOT / "startup.sh"),), environment, ready="/readyz", json="/predict?format=json&mask=png"
    )


STREETSEG = _streetseg("streetseg", "this service as deployed: `startup.sh`, all settings at their defaults")
STREETSEG_F32 = _streetseg("streetseg f32", "the same in float32: `STREETSEG_PRECISION=f32`", PRECISION="f32")
STREETSEG_TENSORFLOW = _streetseg(
    "streetseg tensorflow", "the same on its other engine: `STREETSEG_ENGINE=tensorflow`", ENGINE="tensorflow"
)
TUTORIAL = Contender(
    "tutorial",
    "Flask, `model.predict`, `argmax`, Pillow; gunicorn with one worker and four threads",
    (
        *(PYTHON, "-m", "gunicorn", "bench.contenders.tutorial:app", "--bind", "127.0.0.1:{port}"),
        *("--workers", "1", "--threads", "4", "--timeout", "300", "--no-control-socket", "--log-level", "warning"),
    ),
    ready="/ready",
    json="/predict?format=json",
)
BENTOML = Contender(
    "BentoML",
    "`tf.function`, OpenCV for the rest",
    (
        *(PYTHON, "-m", "bentoml", "serve", "bench.contenders.with_bentoml:Streets"),
        *("--host", "127.0.0.1", "--port", "{port}", "--working-dir", str(ROOT)),
    ),
    workers=1,
)
LITSERVE = Contender(
    "LitServe",
    "`tf.function`, OpenCV for the rest; takes forms only",
    (PYTHON, "-m", "bench.contenders.with_litserve"),
    ready="/health",
    multipart=True,
    workers=1,
)
RAY_SERVE = Contender(
    "Ray Serve",
    "`tf.function`, OpenCV for the rest",
    (PYTHON, "-m", "bench.contenders.with_ray"),
    # A cluster of one on the loopback interface, which Ray has for Windows and macOS only.
    {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},
    ready="/predict",
    workers=1,
)

FRAMEWORKS = (BENTOML, LITSERVE, RAY_SERVE)
ALL = (STREETSEG, STREETSEG_F32, STREETSEG_TENSORFLOW, TUTORIAL, *FRAMEWORKS)
