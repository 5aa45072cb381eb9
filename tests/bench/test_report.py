"""The report holds every bar, every service, and on what it was measured."""

from __future__ import annotations

import json

import pytest

from bench import __main__ as command
from bench import report
from tests.bench import kept


@pytest.fixture(scope="module")
def text() -> str:
    return report.write(kept.everything())


def test_rows_have_as_many_cells_as_their_table_has_columns(text):
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) >= 10
    for head, *rows in tables:
        assert {row.count("|") for row in rows} == {head.count("|")}, head


def test_bars_stand_first_with_yes_or_no(text):
    rows = [line for line in text.splitlines() if "| at least 4 times |" in line or "2.5 times smaller" in line]
    assert [row.split("|")[4].strip() for row in rows] == ["yes", "**no**"]


def test_every_service_is_in_it(text):
    for name in ("streetseg", "streetseg f32", "tutorial", "BentoML", "LitServe", "Ray Serve"):
        assert f"| {name} |" in text


def test_costs_are_summed_and_bound_the_answers_a_second(text):
    assert "| all | 30.0 (30.0 to 30.0) | 50.0 (50.0 to 50.0) |" in text
    assert "allows 40.0 a second at most" in text


def test_it_says_what_was_measured_on_what(text):
    for words in ("6 streets", "3 generated streets", "2026-01-31", "commit abc", "Some processor, 2 to use", "load"):
        assert words in text


def test_quick_results_are_called_quick():
    results = kept.everything()
    assert ", quick" not in report.write(results)
    results["photographs"]["rounds"]["about"]["quick"] = True
    assert ", quick" in report.write(results)


def test_a_part_of_the_trials_makes_a_report():
    text = report.write({"generated": {"install": kept.trial(kept.install())}})
    assert "400 MB of files" in text
    assert "Eight clients" not in text.partition("## How")[0]


def test_bars_as_text_has_a_line_for_each(text):
    lines = report.bars_as_text(kept.everything()).splitlines()
    assert len(lines) == 10 + 4
    assert sum(line.startswith("-") for line in lines) == 1


def test_results_are_read_by_set_and_trial(tmp_path):
    for name, trials in kept.everything().items():
        (tmp_path / name).mkdir()
        for trial, content in trials.items():
            (tmp_path / name / f"{trial}.json").write_text(json.dumps(content), "utf-8")
    (tmp_path / "generated" / "clients.partial").write_text("{", "utf-8")
    assert command.read_results(tmp_path) == kept.everything()


def test_without_results_the_report_says_what_to_do(tmp_path, capsys):
    assert command.main(["--report", "--results", str(tmp_path), "--output", str(tmp_path)]) == 1
    assert "Run it without --report first" in capsys.readouterr().err


def test_plots_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="only bench/requirements.txt brings it")
    from bench import plots

    plots.write(kept.everything(), tmp_path)
    for name in ("latency.svg", "throughput.svg"):
        assert (tmp_path / name).read_text("utf-8").lstrip().startswith("<?xml")
