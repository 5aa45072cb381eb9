"""The table and the page of a comparison, on made-up figures."""

from __future__ import annotations

import re

import pytest

from model.categories import NAMES
from model.training.comparison import report


def made_up(label: str, *, mean: float, parameters: int = 2_000_000, pretrained: bool = False) -> dict:
    return {
        "label": label,
        "settings": {"network": "unet", "encoder_weights": "imagenet" if pretrained else "none"},
        "scores": {"mean_iou": mean, "iou": dict.fromkeys(NAMES[1:], mean) | {"human": None}},
        "parameters": parameters,
        "multiply_adds": 3_000_000_000,
        "training_seconds": 90.0,
        "peak_megabytes": 1500,
    }


@pytest.fixture
def rows():
    results = [
        made_up("slow and good", mean=0.8, parameters=30_000_000),
        made_up("<quick & bad>", mean=0.5, pretrained=True),
        made_up("dominated", mean=0.4),
    ]
    latencies = [{"median": ms, "quartiles": [ms - 1, ms + 1], "rounds": 5} for ms in (40.0, 10.0, 20.0)]
    return report.rows(results, latencies, ["--a", "--b '<x>'", "--c"])


def test_rows_are_sorted_by_mean_iou(rows):
    assert [row.label for row in rows] == ["slow and good", "<quick & bad>", "dominated"]


def test_what_another_beats_at_no_more_cost_is_dominated(rows):
    assert [row.label for row in report.undominated(rows, "latency")] == ["<quick & bad>", "slow and good"]
    assert [row.label for row in report.undominated(rows, "multiply_adds")] == ["slow and good"]


def test_the_markdown_table_has_every_number(rows):
    lines = report.markdown(rows).splitlines()
    assert lines[2] == (
        "| slow and good * | **0.800** | 80.0 | 80.0 | 80.0 | 80.0 | 80.0 | - | 80.0 | 30.00 | 3.00 | 40.0 | 1.5 |"
    )
    assert lines[4].startswith("| dominated | **0.400** |")
    assert {line.count("|") for line in lines} == {14}


def test_the_page_is_whole_and_escapes_labels(rows):
    command = "python -m model compare --entry '<quick & bad>'"
    page = report.html(rows, budget=[("epochs", "3")], command=command, about="")
    assert "&lt;quick &amp; bad&gt;" in page
    assert "<quick" not in page
    assert "slow and good is the most accurate, 80.0 %" in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 4
    assert all(source.startswith("data:") for source in sources)
