"""Every setting of the service, its default and what it may be. Each is set by the variable `STREETSEG_<NAME>`."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from flask import Config

from model import artifact

PREFIX = "STREETSEG"
MILLION = 1_000_000

# Variables with the same prefix that others read: startup.sh, training and tests.
_ELSEWHERE = {"THREADS", "TIMEOUT", "GRACEFUL_TIMEOUT", "DATA", "WEIGHTS"}

logger = logging.getLogger(__name__)


class Setting(NamedTuple):
    """A default, the values it may be replaced by in words, and the check of those words."""

    default: object
    expected: str
    accepts: Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _engine(value: object) -> bool:
    return value in ("auto", "openvino", "tensorflow")


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _at_least(low: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= low


SETTINGS: dict[str, Setting] = {
    # The folder with `unet.keras`, its compiled siblings and `card.json`.
    "ARTIFACT": Setting(str(artifact.DEFAULT_FOLDER), "the path of an artifact folder", _text),
    # How the network runs; auto is OpenVINO, or TensorFlow where the compiled file is missing or stale.
    "ENGINE": Setting("auto", "auto, openvino or tensorflow", _engine),
    # Largest request body, in megabytes of 1,000,000 bytes.
    "MAX_BODY_MB": Setting(20, "a number over 0", _positive),
    # Largest image, in millions of pixels, read from its header before it is decoded.
    "MAX_MEGAPIXELS": Setting(40, "a number over 0", _positive),
    # Most images in one request.
    "MAX_IMAGES": Setting(16, "a whole number, at least 1", _at_least(1)),
    # Requests that decode, run the network and render at the same time.
    "CONCURRENCY": Setting(2, "a whole number, at least 1", _at_least(1)),
    # Requests that may wait for a free place; one more is refused with 429.
    "QUEUE_DEPTH": Setting(8, "a whole number, at least 0", _at_least(0)),
    # Longest wait for a free place, in seconds; then the request is refused unrun with 503.
    "DEADLINE": Setting(20, "a number of seconds over 0", _positive),
}


def read_settings(config: Config, given: Mapping[str, object] | None = None) -> None:
    """Fill a Flask configuration: the defaults, over them the environment, over that what is given.

    Args:
        config: the application's own, changed in place.
        given: settings by name, without the prefix.

    Raises:
        ValueError: a setting is none of the values it may be.
    """
    config.from_mapping({name: setting.default for name, setting in SETTINGS.items()})
    environment = Config(config.root_path)
    environment.from_prefixed_env(PREFIX)
    # Flask has settings of its own, which the prefix would reach: only ours are taken.
    config.from_mapping({name: environment[name] for name in SETTINGS if name in environment})
    config.from_mapping(given or {})
    for name, setting in SETTINGS.items():
        if not setting.accepts(config[name]):
            raise ValueError(
                f"{PREFIX}_{name} is {config[name]!r}. Expected {setting.expected}. "
                f"Unset it to get the default, {setting.default!r}."
            )
    config["MAX_CONTENT_LENGTH"] = int(config["MAX_BODY_MB"] * MILLION)
    _warn_of_strangers()


def _warn_of_strangers() -> None:
    for variable in sorted(os.environ):
        prefix, _, name = variable.partition("_")
        if prefix == PREFIX and name not in SETTINGS and name not in _ELSEWHERE:
            logger.warning("%s is not a setting of the service, and changes nothing.", variable)
