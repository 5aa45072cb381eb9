"""What is measured without HTTP: `python -m bench.inprocess`, one command as JSON a line, one answer a line.

A process of its own that waits between commands, so that it takes turns with the services round by round.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from bench.contenders import QUIET, ROOT

STAGES = ("decode", "resize", "network", "labels", "render")

# What startup.sh sets for the service: without it other encoders pay for page faults that ours is spared.
KEEPING = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
}


class InProcess:
    """The other end: starts that process, and asks it.

    Args:
        files: the photographs, JPEG.
        precision: of the network, as STREETSEG_PRECISION.
    """

    def __init__(self, files: list[bytes], *, precision: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.inprocess"],
            cwd=ROOT,
            env={**os.environ, **QUIET, **KEEPING},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.about = self.ask(files=[base64.b64encode(file).decode() for file in files], precision=precision)

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def ask(self, **command: Any) -> dict:
        """Send a command, return the answer.

        Raises:
            RuntimeError: the process has ended; what it said is on standard error.
        """
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"python -m bench.inprocess ended with status {self._process.wait()}.")
        return json.loads(line)


class _Worker:
    def __init__(self, files: list[bytes], precision: str) -> None:
        from model import preprocessing
        from model.inference import images, render, segmenter

        self._files = files
        self._segmenter = segmenter.load(
            os.environ.get("STREETSEG_ARTIFACT", ROOT / "model/artifacts/unet"), engine="openvino", precision=precision
        )
        pictures = [images.decode(file) for file in files]
        self._overlays = [render.overlay(picture, self._segmenter.segment(picture)) for picture in pictures]
        size = self._segmenter.artifact.size
        self._small = [preprocessing.fit_image(picture, size) for picture in pictures]

    def about(self) -> dict:
        """What the network runs as, and the overlays, as PNG in base64."""
        from bench import codecs

        engine, artifact = self._segmenter.engine, self._segmenter.artifact
        return {
            "version": artifact.version,
            "precision": engine.precision,
            "threads": engine.threads,
            "file": str(artifact.compiled_path(engine.precision)),
            "size": artifact.size,
            "bytes": codecs.encoded_bytes(self._overlays),
            "overlays": [
                base64.b64encode(codecs.ENCODERS["OpenCV"](each[..., ::-1])).decode() for each in self._overlays
            ],
        }

    def answer(self, command: dict) -> dict:
        """Do what a command says."""
        if "network" in command:
            return {"milliseconds": self.network(command["network"])}
        if "stages" in command:
            return {"overlays": self.stages(command["stages"])}
        return self.codecs(**command)

    def network(self, seconds: float) -> list[float]:
        """Run the network on the photographs, resized already, one after the other; milliseconds of each run."""
        taken, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            image = self._small[len(taken) % len(self._small)]
            start = time.perf_counter()
            with self._segmenter.engine.planes(image):
                taken.append((time.perf_counter() - start) * 1000)
        return taken

    def stages(self, rounds: int) -> list[dict[str, list[float]]]:
        """Make an overlay of each photograph, `rounds` times; by stage, milliseconds: passed, and of all processors."""
        return [self._overlay(file) for _ in range(rounds) for file in self._files]

    def _overlay(self, file: bytes) -> dict[str, list[float]]:
        from model.inference import images, render
        from model.inference.labels import choose
        from model.inference.segmenter import Segmentation

        clocks = [_clocks()]
        picture = images.decode(file)
        clocks.append(_clocks())
        small = self._segmenter.fit(picture)
        clocks.append(_clocks())
        with self._segmenter.engine.planes(small) as planes:
            clocks.append(_clocks())
            labels, _ = choose(planes, picture.shape[:2], confidence=False)
        clocks.append(_clocks())
        render.overlay_png(picture, Segmentation(labels, None, labels.shape, {}, self._segmenter.version))
        clocks.append(_clocks())
        return dict(zip(STAGES, (np.diff(clocks, axis=0) * 1000).tolist(), strict=True))

    def codecs(self, slow: bool) -> dict:
        """Decode and encode with each candidate."""
        from bench import codecs

        return codecs.measure(self._files, self._overlays, slow=slow)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def main() -> int:
    """Answer commands until standard input ends. The first one names the files and the precision."""
    # What libraries print belongs to standard error: standard output carries the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    first = json.loads(sys.stdin.readline())
    worker = _Worker([base64.b64decode(file) for file in first["files"]], first["precision"])
    print(json.dumps(worker.about()), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(worker.answer(command)), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
