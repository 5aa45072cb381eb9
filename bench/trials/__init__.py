"""The trials: what each measures stands at the head of its module. A trial returns what it saw, ready for JSON."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bench import photographs
from bench.contenders import ROOT, Contender
from bench.photographs import Set
from bench.services import Service

# A level of 255 may be rounded either way.
ROUNDING = 1


@dataclass(frozen=True)
class Bench:
    """What all trials share.

    Attributes:
        pictures: what is sent.
        references: the overlay of each picture by the float32 network, uint8 (height, width, 3) BGR.
        results: folder for results and logs.
        quick: fewer rounds, shorter runs.
    """

    pictures: Set
    references: list[np.ndarray]
    results: Path
    quick: bool

    def start(self, contender: Contender) -> Service:
        """Start a contender; the caller waits for it, and stops it by leaving its `with` block."""
        name = contender.name.replace(" ", "-")
        return Service(contender, self.results / "logs" / f"{name}.log")

    def drive(self, service: Service, *, json_answer: bool = False, **options: object) -> dict:
        """Let the driver send the pictures; see `driver.Job` for the options, and `driver.run` for what it returns.

        Returns:
            The driver's result; instead of `first`, `equal`: of each picture the share of pixels that are the
            reference's up to rounding.
        """
        job = photographs.job(self.pictures, service.contender, service.port, json=json_answer, **options)
        command = [sys.executable, "-m", "bench.driver"]
        done = subprocess.run(command, cwd=ROOT, input=json.dumps(job), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The driver ended with status {done.returncode}:\n{done.stderr[-2000:]}")
        result = json.loads(done.stdout)
        first = result.pop("first")
        if not json_answer:
            result["equal"] = [
                equal_share(base64.b64decode(body), self.references[int(index)]) for index, body in first.items()
            ]
        return result

    def say(self, words: str) -> None:
        """Tell whoever waits what goes on."""
        print(words, file=sys.stderr, flush=True)


def equal_share(png: bytes, reference: np.ndarray) -> float:
    """Return the share of pixels, 0 to 1, whose three channels are the reference's, up to rounding.

    Args:
        png: an overlay.
        reference: uint8 (height, width, 3) BGR.

    Raises:
        ValueError: it does not decode, or has another size.
    """
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None or image.shape != reference.shape:
        raise ValueError(
            f"Received an answer of {None if image is None else image.shape}. Expected an overlay of {reference.shape}."
        )
    return float(np.mean(cv2.absdiff(image, reference).max(axis=2) <= ROUNDING))
