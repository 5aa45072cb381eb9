"""The official Cityscapes scripts, run as their users run them: in a process of their own, on folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The scripts use `np.in1d`, which NumPy 2.4 dropped; `np.isin` on a flat array is the same. Instance scores need
# instance masks, which category scores do not.
_RUN = """
import numpy as np
np.in1d = np.isin
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as official
official.args.evalInstLevelScore = False
official.main()
"""


def official_scores(dataset: Path, results: Path, output: Path) -> dict:
    """Score `results` against the label ids below `dataset`/gtFine/val and return what the scripts write.

    Skips where the scripts are not installed.
    """
    pytest.importorskip("cityscapesscripts", reason="the official Cityscapes scripts are not installed: make install")
    output.mkdir(exist_ok=True)
    folders = {"CITYSCAPES_DATASET": dataset, "CITYSCAPES_RESULTS": results, "CITYSCAPES_EXPORT_DIR": output}
    environment = os.environ | {name: str(folder) for name, folder in folders.items()}
    done = subprocess.run(
        [sys.executable, "-c", _RUN], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((output / "resultPixelLevelSemanticLabeling.json").read_text())


def as_official_val(samples, root: Path) -> Path:
    """A folder whose official val split is the masks of `samples`: the scripts look nowhere else."""
    for sample in samples:
        link = root / "gtFine" / "val" / sample.mask_path.parent.name / sample.mask_path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(sample.mask_path)
    return root
