"""A video of a job: what is made of it, and where that goes."""

from __future__ import annotations

from collections.abc import Callable

from model.categories import PALETTES
from model.inference.batch import timeline, video
from model.inference.batch.inputs import Item
from model.inference.batch.one import Answer, Job
from model.inference.batch.output import Output
from model.inference.segmenter import Segmenter


def formats() -> list[str]:
    """Name what is made of a video here: its drawing needs matplotlib."""
    return ["coverage", "drawing", "video"] if timeline.can_draw() else ["coverage", "video"]


def answer(
    item: Item, segmenter: Segmenter, output: Output, job: Job, *, threads: int, say: Callable[[int], None]
) -> Answer:
    """Make all that is made of a video.

    Args:
        item: the video.
        segmenter: the network.
        output: receives `overlay/STEM.mp4` (or `.mkv`), `coverage/STEM.csv` and `coverage/STEM.svg`.
        job: how.
        threads: see `video.make`.
        say: likewise.

    Returns:
        Its entry of the manifest, and path and bytes of each file; or why there is none.
    """
    version, new = segmenter.artifact.version, output.new_path()
    try:
        made = video.make(item, segmenter, new, job.options, every=job.every, threads=threads, say=say)
    except (video.VideoError, OSError) as error:
        return str(error)
    outputs = {}

    def put(format: str, path: str, content: bytes) -> None:
        output.write(path, content)
        outputs[format] = [path, len(content)]

    table = timeline.table(made.frames)
    put("coverage", f"coverage/{item.stem}.csv", table)
    if timeline.can_draw():
        drawn = timeline.drawing(made.frames, title=item.name, palette=PALETTES[job.options.palette])
        put("drawing", f"coverage/{item.stem}.svg", drawn)
    path, size = f"overlay/{item.stem}{made.ending}", new.stat().st_size
    output.place(new, path)
    outputs["video"] = [path, size]
    height, width = made.size
    about = {"frames": len(made.frames), "rate": made.rate, "height": height, "width": width}
    return {"file": item.name, "source": list(item.source), "model": version, "video": about}, outputs
