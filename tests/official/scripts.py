"""The official Cityscapes scripts, run as their users run them: in a process of their own, on folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.data.instances import connected_instances
from model.data.samples import Sample, read_mask

# The scripts use `np.in1d`, which NumPy 2.4 dropped; `np.isin` on a flat array is the same.
_RUN = """
import numpy as np
np.in1d = np.isin
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
official.args.evalInstLevelScore = {instances}
official.main()
"""


def official_scores(dataset: Path, results: Path, output: Path, *, instances: bool = False) -> dict:
    """Score `results` against the label ids below `dataset`/gtFine/val and return what the scripts write.

    Instance scores need instance masks beside the label ids. Skips where the scripts are not installed.
    """
    pytest.importorskip("cityscapesscripts", reason="the official Cityscapes scripts are not installed: make install")
    output.mkdir(exist_ok=True)
    folders = {"CITYSCAPES_DATASET": dataset, "CITYSCAPES_RESULTS": results, "CITYSCAPES_EXPORT_DIR": output}
    environment = os.environ | {name: str(folder) for name, folder in folders.items()}
    command = [sys.executable, "-c", _RUN.format(instances=instances)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((output / "resultPixelLevelSemanticLabeling.json").read_text())


def as_official_val(samples: Sequence[Sample], root: Path) -> Path:
    """A folder whose official val split is the masks of `samples`: the scripts look nowhere else."""
    for sample in samples:
        link = _mask(root, sample)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(sample.mask_path)
    return root


def with_instances(samples: Sequence[Sample], root: Path) -> list[Sample]:
    """Write instance masks, as the scripts read them, beside the masks below `root`; return samples that have them.

    The instances are connected pixels of one label: people who touch are one, which is all the same to the arithmetic.
    """
    found = []
    for sample in samples:
        mask = _mask(root, sample)
        path = mask.with_name(mask.name.replace("labelIds", "instanceIds"))
        Image.fromarray(connected_instances(read_mask(mask)).astype(np.uint16)).save(path)
        found.append(replace(sample, instances_path=path))
    return found


def _mask(root: Path, sample: Sample) -> Path:
    return root / "gtFine" / "val" / sample.mask_path.parent.name / sample.mask_path.name
