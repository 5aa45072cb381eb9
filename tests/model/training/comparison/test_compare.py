"""`python -m model compare` from end to end, through the command line."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from model.__main__ import main

BUDGET = ["--height", "64", "--width", "96", "--crop-height", "64", "--crop-width", "96", "--batch-size", "2"]
BUDGET += ["--epoch-images", "4", "--validation-images", "2"]


SMALL = "tests.model.training.small"


def compare(command, out: Path, *arguments: str, module: str = "model") -> subprocess.Popen:
    return command("compare", *arguments, *BUDGET, "--out", out, module=module)


def finished(process: subprocess.Popen) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "parameters"), [(SMALL, 0.000928), pytest.param("model", 2.353848, marks=pytest.mark.trials)]
)
def test_with_no_data_at_all_entries_are_put_side_by_side_even_after_a_kill(
    module, parameters, command, request, tmp_path, capsys
):
    if module == "model" and "trials" not in request.config.getoption("markexpr"):
        pytest.skip("trains MobileNetV2 three times, two minutes: ask for it by -m trials")
    loss = "Dice alone: --network mobilenetv2_unet --loss dice"
    arguments = ["--entry", "mobilenetv2_unet", "--entry", loss, "--epochs", "6"]
    _kill_after_an_epoch(compare(command, tmp_path, *arguments, module=module))
    output = finished(compare(command, tmp_path, *arguments, module=module))
    assert re.search("going on after epoch [1-5] of 6", output)
    written = json.loads((tmp_path / "comparison.json").read_text())
    assert {row["label"] for row in written["rows"]} == {"mobilenetv2_unet", "Dice alone"}
    assert all(row["latency"] > 0 and row["peak_megabytes"] > 100 for row in written["rows"])
    assert {row["parameters"] for row in written["rows"]} == {parameters}
    assert (tmp_path / "comparison.md").read_text() in output
    page = (tmp_path / "comparison.html").read_text()
    assert "--entry &#39;Dice alone: --network mobilenetv2_unet --loss dice&#39;" in page
    assert json.loads((tmp_path / "dice-alone" / "artifact" / "card.json").read_text())["scores"]

    # In this process, where all is imported.
    assert main(["compare", *arguments, *BUDGET, "--out", str(tmp_path)]) == 0
    again = capsys.readouterr().out
    assert "1/2 mobilenetv2_unet: done before" in again
    assert "2/2 Dice alone: done before" in again


def test_flags_that_train_does_not_know_are_refused(command, tmp_path):
    process = compare(command, tmp_path, "--entry", "a: --no-such-flag 3")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--no-such-flag" in output
    assert "Traceback" not in output


def test_an_unknown_network_is_refused_before_anything_is_trained(command, tmp_path):
    process = compare(command, tmp_path, "--entry", "mobilenetv2_unet", "--entry", "resnet")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--network is resnet. Expected one of fcn8s" in output
    assert not list(tmp_path.iterdir())


def _kill_after_an_epoch(process: subprocess.Popen) -> None:
    """Kill a comparison, and see that what it started ends too."""
    for line in process.stdout:
        if line.startswith("epoch 1/6"):
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.send_signal(signal.SIGKILL)
    # The children write to the same pipe: it ends when they do, and they are gone a moment later.
    process.communicate(timeout=60)
    assert children
    deadline = time.monotonic() + 60
    while any(_alive(child) for child in children):
        assert time.monotonic() < deadline, "training went on without the one that started it"
        time.sleep(0.1)


def _alive(pid: str) -> bool:
    """Tell whether a process runs; one that ended and is not waited for yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
