"""Settings: defaults, the environment, refusals at start, and that each is documented."""

from __future__ import annotations

import pytest

from app import create_app
from app.config import BYTES_PER_PIXEL, RESTING_BYTES, SETTINGS, concurrency
from tests.app.clients import FakeSegmenter


def create(**settings):
    return create_app(settings, segmenter=FakeSegmenter())


def test_defaults_are_of_those_they_may_be():
    assert all(setting.accepts(setting.default) for setting in SETTINGS.values())


def test_environment_replaces_defaults(monkeypatch):
    monkeypatch.setenv("STREETSEG_MAX_BODY_MB", "1.5")
    assert create().config["MAX_CONTENT_LENGTH"] == 1_500_000


def test_what_is_given_replaces_the_environment(monkeypatch):
    monkeypatch.setenv("STREETSEG_QUEUE_DEPTH", "3")
    assert create(QUEUE_DEPTH=4).config["QUEUE_DEPTH"] == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARTIFACT", ""),
        ("ENGINE", "onnx"),
        ("MAX_BODY_MB", "abc"),
        ("MAX_BODY_MB", "0"),
        ("MAX_MEGAPIXELS", "NaN"),
        ("MAX_IMAGES", "0"),
        ("CONCURRENCY", "1.5"),
        ("CONCURRENCY", "0"),
        ("PRECISION", "fp16"),
        ("INPUT_SIZE", "640"),
        ("INPUT_SIZE", "640x330"),
        ("INPUT_SIZE", "0x32"),
        ("INPUT_SIZE", "8192x4096"),
        ("QUEUE_DEPTH", "-1"),
        ("QUEUE_DEPTH", "true"),
        ("DEADLINE", "Infinity"),
    ],
)
def test_a_wrong_value_is_refused_at_start(monkeypatch, name, value):
    monkeypatch.setenv(f"STREETSEG_{name}", value)
    with pytest.raises(ValueError, match=rf"STREETSEG_{name} is .* Expected {SETTINGS[name].expected}"):
        create()


def test_a_variable_that_is_no_setting_is_warned_of(monkeypatch, caplog):
    monkeypatch.setenv("STREETSEG_MAX_BODYMB", "20")
    create()
    assert "STREETSEG_MAX_BODYMB" in caplog.text


def test_a_variable_that_is_no_setting_changes_nothing(monkeypatch, caplog):
    monkeypatch.setenv("STREETSEG_PROPAGATE_EXCEPTIONS", "true")
    monkeypatch.setenv("STREETSEG_MAX_CONTENT_LENGTH", "5")
    service = create()
    assert service.config["PROPAGATE_EXCEPTIONS"] is None
    assert service.config["MAX_CONTENT_LENGTH"] == 20_000_000
    assert "STREETSEG_PROPAGATE_EXCEPTIONS is not a setting" in caplog.text


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(repository, name):
    assert f"`STREETSEG_{name}`" in (repository / "README.md").read_text("utf-8")


def with_memory(monkeypatch, gigabytes, *, cores=64):
    monkeypatch.setattr("model.inference.processors.count", lambda: cores)
    monkeypatch.setattr("model.inference.control_groups.memory", lambda: gigabytes and int(gigabytes * 1e9))


def settings(**given):
    return {name: setting.default for name, setting in SETTINGS.items()} | given


@pytest.mark.parametrize(("setting", "processors_found", "expected"), [("auto", 3, 3), ("auto", 64, 16), (20, 3, 20)])
def test_as_many_requests_run_as_there_are_processors_or_as_set(monkeypatch, setting, processors_found, expected):
    with_memory(monkeypatch, 64, cores=processors_found)
    assert concurrency(settings(CONCURRENCY=setting)) == expected


# Of a place with the largest picture 40 x 24 = 960 MB, beside 400 MB and 200 MB of bodies.
@pytest.mark.parametrize(("gigabytes", "expected"), [(0.5, 1), (1.75, 1), (2.51, 1), (2.53, 2), (3.5, 3), (None, 16)])
def test_no_more_requests_run_than_memory_holds_of_the_largest_pictures(monkeypatch, gigabytes, expected):
    with_memory(monkeypatch, gigabytes)
    assert concurrency(settings()) == expected


def test_the_recipe_tells_what_is_reckoned_with(repository):
    recipe = (repository / "deploy/azure/README.md").read_text("utf-8")
    assert f"{BYTES_PER_PIXEL} bytes a pixel" in recipe
    assert f"{RESTING_BYTES // 1_000_000} MB for itself" in recipe


def test_smaller_pictures_make_room_for_more_requests(monkeypatch):
    with_memory(monkeypatch, 3.5)
    assert concurrency(settings(MAX_MEGAPIXELS=10)) == 12
    assert concurrency(settings(MAX_MEGAPIXELS=10, BODIES_MB=1160)) == 8


@pytest.mark.parametrize(
    ("gigabytes", "given", "warned"),
    [
        (1.75, {}, False),
        (1.5, {}, True),
        (1.5, {"MAX_MEGAPIXELS": 37}, False),
        (1.75, {"CONCURRENCY": 2}, True),
        (None, {"CONCURRENCY": 99}, False),
    ],
)
def test_settings_that_need_more_memory_than_there_is_are_warned_of(monkeypatch, caplog, gigabytes, given, warned):
    with_memory(monkeypatch, gigabytes)
    create(**given)
    assert ("a process that has not got them is killed" in caplog.text) == warned
