"""Settings: defaults, the environment, refusals at start, and that each is documented."""

from __future__ import annotations

import pytest

from app import create_app
from app.config import SETTINGS, concurrency
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


@pytest.mark.parametrize(("setting", "processors_found", "expected"), [("auto", 3, 3), ("auto", 64, 16), (20, 3, 20)])
def test_as_many_requests_run_as_there_are_processors_or_as_set(monkeypatch, setting, processors_found, expected):
    monkeypatch.setattr("model.inference.processors.count", lambda: processors_found)
    assert concurrency({"CONCURRENCY": setting}) == expected
