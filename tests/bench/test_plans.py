"""What the trials of plans call right, refused and wrong, and a short one of each where control groups can be made."""

from __future__ import annotations

import json
from argparse import Namespace

import numpy as np
import pytest

from bench import groups, largest, photographs, plans
from bench.reliability.target import Reply, photograph
from model.inference import images
from tests.app.clients import encoded
from tests.bench.conftest import needs_groups

PICTURE = encoded(np.zeros((4, 6, 3), np.uint8))


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (200, {}, PICTURE, "200"),
        (200, {}, PICTURE[:-9], "not a whole PNG"),
        (200, {}, encoded(np.zeros((4, 7, 3), np.uint8)), "size 4 x 7"),
        (429, {"retry-after": "2"}, b"", "429 with Retry-After"),
        (503, {"retry-after": "2"}, b"", "503 with Retry-After"),
        (429, {}, b"", "429 WITHOUT Retry-After"),
        (503, {"retry-after": "soon"}, b"", "503 WITHOUT Retry-After"),
        (500, {}, b"", "500"),
        (0, {}, b"", "no answer"),
    ],
)
def test_answers_are_right_refused_or_named(status, headers, body, kind):
    assert plans.kind_of(Reply(status, headers, body, 0.1), (4, 6)) == kind


GOOD = {
    "ready_seconds": 3.0,
    "answers": {"200": 9, "429 with Retry-After": 2, "503 with Retry-After": 1},
    "killed": 0,
    "restarts": 0,
}


@pytest.mark.parametrize(
    ("given", "failures"),
    [
        ({}, []),
        ({"killed": 1}, ["processes killed for memory: 1"]),
        ({"restarts": 2}, ["the worker was replaced: 2"]),
        ({"ready_seconds": 15.0}, ["ready after 15.0 s, 15 are allowed"]),
        ({"answers": {"200": 9, "500": 3}}, ["answered 500: 3"]),
        ({"answers": {"200": 9, "429 WITHOUT Retry-After": 1}}, ["answered 429 WITHOUT Retry-After: 1"]),
        ({"answers": {"429 with Retry-After": 1}}, ["no answer was right"]),
    ],
)
def test_what_must_not_be_is_a_failure(given, failures):
    assert plans.failures(GOOD | given) == failures


@pytest.mark.parametrize("name", ["1", "x", "0x1", "1x-2", "onextwo"])
def test_what_is_no_size_is_refused(name):
    with pytest.raises(ValueError, match="Expected processors x gigabytes"):
        plans.size_of(name)


@pytest.mark.parametrize(("killed", "status"), [(0, 0), (1, 1)])
def test_ends_with_1_where_a_process_was_killed_and_keeps_what_was_seen(tmp_path, monkeypatch, capsys, killed, status):
    row = GOOD | {"killed": killed, "seconds": 1.0, "per_second": 9.0, "median_ms": 5.0, "p95_ms": None}
    row |= {"limit_bytes": 10**9, "peak_bytes": 0, "resident_bytes": 10**8, "reclaimed": 0, "clients_share": 0.1}
    monkeypatch.setattr(plans, "measure", lambda size, trial: row | {"failures": plans.failures(row)})
    monkeypatch.setattr(largest, "pictures", lambda photograph, megapixels: {})
    (tmp_path / "street.jpg").write_bytes(photograph(1))
    result = tmp_path / "plans.json"
    assert plans.main([str(tmp_path), "--sizes", "1x1.75", "--result", str(result)]) == status
    assert [each["trial"] for each in json.loads(result.read_text("utf-8"))["rows"]] == ["limit", "largest"]
    assert ("1x1.75, limit: processes killed for memory: 1" in capsys.readouterr().out) == bool(killed)


def test_without_control_groups_it_is_said_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(groups.Group.__init__, "__kwdefaults__", {"mount": tmp_path, "own": tmp_path / "none"})
    monkeypatch.setattr(largest, "pictures", lambda photograph, megapixels: {})
    (tmp_path / "street.jpg").write_bytes(photograph(1))
    assert plans.main([str(tmp_path)]) == 1
    assert "bench.plans: No control group can be made here." in capsys.readouterr().err


def test_the_largest_pictures_are_as_large_as_is_taken_and_no_larger():
    limit = 300_000
    for data in largest.pictures(photograph(1), megapixels=0.3).values():
        height, width, _ = images.decode(data, max_pixels=limit).shape
        assert 0.99 * limit < height * width <= limit


@needs_groups
@pytest.mark.usefixtures("small_network")
def test_both_trials_end_well_in_a_group():
    files = [photograph(number) for number in range(2)]
    pictures = photographs.Set("photographs", "two", files, [(320, 640)] * 2)
    heavy = largest.pictures(files[0], megapixels=0.5)
    trials = plans.limit(pictures, Namespace(minutes=0.02, clients=3)), plans.largest_at_once(pictures, heavy)
    rows = [plans.measure(plans.size_of("1x1.5"), trial) for trial in trials]
    for row in rows:
        assert (row["killed"], row["restarts"], set(row["answers"])) == (0, 0, {"200"})
        assert 0 < row["resident_bytes"] < 1.5e9
    assert rows[1]["answers"]["200"] > len(heavy) * len(largest.ASKED)
