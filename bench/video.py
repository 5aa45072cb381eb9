"""`python -m bench.video FOLDER`: how long `model segment` takes for a video, and whether it loses a frame or a sound.

Thirty seconds of 1280x720, made of the photographs in a folder: a window pans over each for two
seconds, so that every pixel is one that a camera saw; with a tone. There is no drive to be had here.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np

from bench import machine
from bench.contenders import ROOT
from model import artifact
from model.inference import images
from model.inference.batch import inputs

SIZE = (720, 1280)
SECONDS, SHOWN = 30, 2


def main(arguments: list[str] | None = None) -> int:
    """Make the video, segment it at each size with each `--every`, print a row for each; 1 where one loses frames."""
    options = _parser().parse_args(arguments)
    print(f"{machine.processor()}; load {machine.load():.1f}; {artifact.read(artifact.DEFAULT_FOLDER).version}")
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "drive.mp4"
        _make(options.folder, source, options.rate)
        before = _content(source)
        for size, every in itertools.product(options.input_size, options.every):
            out = Path(scratch) / f"{size}-every-{every}"
            start = time.perf_counter()
            asked = ["--input-size", size, "--every", every]
            words = [sys.executable, "-m", "model", "segment", str(source), str(out), *asked]
            subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
            seconds = time.perf_counter() - start
            after = _content(out / "overlay" / "drive.mp4")
            same = after == before
            good &= same
            print(
                f"{' '.join(asked)}: {seconds:.1f} s for {SECONDS} s of video ({seconds / SECONDS:.2f} of its time), "
                f"{len(after[0])} of {len(before[0])} frames, times and sound {'the same' if same else 'NOT the same'}",
                flush=True,
            )
    return 0 if good else 1


def _make(folder: Path, target: Path, rate: int) -> None:
    photographs = [images.decode(item.read()) for item in inputs.find([folder])[: SECONDS // SHOWN]]
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        tone = container.add_stream("aac", rate=48_000)
        for number in range(rate * SECONDS):
            photograph = photographs[number // (rate * SHOWN) % len(photographs)]
            seen = _window(photograph, number % (rate * SHOWN), rate * SHOWN)
            frame = av.VideoFrame.from_ndarray(seen, format="rgb24")
            container.mux(stream.encode(frame))
        for number in range(48_000 * SECONDS // 1024):
            wave = np.sin(np.arange(1024 * number, 1024 * (number + 1)) / 17, dtype=np.float32)[np.newaxis] / 3
            frame = av.AudioFrame.from_ndarray(wave, "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, 1024 * number
            container.mux(tone.encode(frame))
        for each in (stream, tone):
            container.mux(each.encode(None))


def _window(photograph: np.ndarray, number: int, margin: int) -> np.ndarray:
    """Cut a window that wanders by a pixel a frame, after enlarging what is too small for it."""
    scale = max(1, (SIZE[0] + margin) / photograph.shape[0], (SIZE[1] + margin) / photograph.shape[1])
    large = cv2.resize(photograph, None, fx=scale, fy=scale) if scale > 1 else photograph
    return np.ascontiguousarray(large[number // 2 : number // 2 + SIZE[0], number : number + SIZE[1]])


def _content(path: Path) -> tuple[list[float], list[bytes]]:
    """Return the time of each frame, and each packet of sound."""
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        return times, [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of photographs, of 1280x720 pixels or more")
    parser.add_argument("--every", nargs="+", default=["auto", "1"], help="see `model segment --every`")
    parser.add_argument("--rate", type=int, default=25, help="frames a second")
    parser.add_argument("--input-size", nargs="+", default=["own"], metavar="WxH", help="likewise")
    return parser


if __name__ == "__main__":
    sys.exit(main())
