"""Every setting of the service, its default and what it may be. Each is set by the variable `STREETSEG_<NAME>`."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from flask import Config

from model import artifact
from model.inference import control_groups, engines, options, processors

PREFIX = "STREETSEG"
MILLION = 1_000_000
# One process has one interpreter, which more requests than this would keep waiting for each other.
MOST_AUTO = 16
# What it takes, rounded up: the process between requests, and a request for each pixel of its largest picture, which
# is most for WebP. `python -m bench.plans` fails where that is too little.
RESTING_BYTES = 400 * MILLION
BYTES_PER_PIXEL = 24

# Taken as it stands, where other variables are read as JSON: a key of digits is a text all the same.
_VERBATIM = "API_KEY"
# Variables with the same prefix that others read: startup.sh, training and tests.
_ELSEWHERE = {"THREADS", "READ_PATIENCE", "TIMEOUT", "GRACEFUL_TIMEOUT", "DATA", "WEIGHTS"}

logger = logging.getLogger(__name__)


class Setting(NamedTuple):
    """A default, the values it may be replaced by in words, and the check of those words."""

    default: object
    expected: str
    accepts: Callable[[object], bool]


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _engine(value: object) -> bool:
    return value in engines.NAMES


def _precision(value: object) -> bool:
    return value in engines.PRECISIONS


def _input_size(value: object) -> bool:
    try:
        options.input_size(str(value))
    except ValueError:
        return False
    return True


def _auto_or_count(value: object) -> bool:
    return value == "auto" or _at_least(1)(value)


def _telemetry(value: object) -> bool:
    return value in ("off", "otlp", "azure-monitor")


def _api_key(value: object) -> bool:
    return value == "" or (isinstance(value, str) and re.fullmatch(r"[!-~]{16,}", value) is not None)


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _at_least(low: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= low


SETTINGS: dict[str, Setting] = {
    # The folder with the Keras network, its compiled siblings and `card.json`.
    "ARTIFACT": Setting(str(artifact.DEFAULT_FOLDER), "the path of an artifact folder", _text),
    # How the network runs; auto is OpenVINO, or TensorFlow where the compiled file is missing or stale.
    "ENGINE": Setting("auto", "auto, openvino or tensorflow", _engine),
    # Arithmetic of the network; auto is what the processor does well: bf16 with AMX, int8 with VNNI, otherwise f32.
    "PRECISION": Setting("auto", "auto, f32, bf16 or int8", _precision),
    # What photographs are brought to for the network; own is the size of its card, a smaller one is faster.
    "INPUT_SIZE": Setting("own", options.INPUT_SIZE.expected, _input_size),
    # Largest request body, in megabytes of 1,000,000 bytes.
    "MAX_BODY_MB": Setting(20, "a number over 0", _positive),
    # What the bodies of all requests may hold together, in megabytes; at least one largest body.
    "BODIES_MB": Setting(200, "a number over 0", _positive),
    # Largest image, in millions of pixels, read from its header before it is decoded.
    "MAX_MEGAPIXELS": Setting(40, "a number over 0", _positive),
    # Most images in one request.
    "MAX_IMAGES": Setting(16, "a whole number, at least 1", _at_least(1)),
    # Requests that decode, run the network and render at the same time; auto is one for each processor that the
    # container may use, 16 at most, and fewer where its memory would not hold as many of the largest pictures.
    "CONCURRENCY": Setting("auto", "auto or a whole number, at least 1", _auto_or_count),
    # Requests that may wait for a free place; one more is refused with 429.
    "QUEUE_DEPTH": Setting(32, "a whole number, at least 0", _at_least(0)),
    # Longest wait for a free place, in seconds; then the request is refused unrun with 503.
    "DEADLINE": Setting(20, "a number of seconds over 0", _positive),
    # What clients have to send as Authorization: Bearer, as X-Api-Key or as a password; none where it is empty.
    "API_KEY": Setting("", "empty, or 16 or more printable characters of ASCII without spaces", _api_key),
    # Proxies in front of the service whose X-Forwarded-For and X-Forwarded-Proto are believed.
    "PROXIES": Setting(0, "a whole number, at least 0", _at_least(0)),
    # Where a span for each request goes: off, otlp (OTEL_EXPORTER_OTLP_* says where) or azure-monitor.
    "TELEMETRY": Setting("off", "off, otlp or azure-monitor", _telemetry),
}


def concurrency(config: Mapping[str, object]) -> int:
    """Return how many requests run at the same time."""
    if config["CONCURRENCY"] != "auto":
        return config["CONCURRENCY"]
    room = control_groups.memory()
    fitting = MOST_AUTO if room is None else max(1, int((room - needed_bytes(config, places=0)) / _largest(config)))
    return min(processors.count(), MOST_AUTO, fitting)


def needed_bytes(config: Mapping[str, object], *, places: int) -> int:
    """Return how many bytes may be needed while so many requests with the largest picture run, and others wait."""
    return RESTING_BYTES + bodies_bytes(config) + int(places * _largest(config))


def answers_bytes(config: Mapping[str, object]) -> int:
    """Return how many bytes answers may hold that clients have not taken: what memory leaves, or as much as bodies."""
    left = (control_groups.memory() or 0) - needed_bytes(config, places=concurrency(config))
    return max(bodies_bytes(config), left)


def bodies_bytes(config: Mapping[str, object]) -> int:
    """Return how many bytes the bodies of all requests may hold together."""
    return int(max(config["BODIES_MB"], config["MAX_BODY_MB"]) * MILLION)


def _largest(config: Mapping[str, object]) -> float:
    return config["MAX_MEGAPIXELS"] * MILLION * BYTES_PER_PIXEL


def warn_of_little_memory(config: Mapping[str, object]) -> None:
    """Warn where the settings may need more memory than there is."""
    room, places = control_groups.memory(), concurrency(config)
    needed = needed_bytes(config, places=places)
    if room is not None and needed > room:
        logger.warning(
            "There are %d MB of memory. With CONCURRENCY %d, MAX_MEGAPIXELS %g and BODIES_MB %g up to %d MB may be "
            "needed, and a process that has not got them is killed. Set %s_MAX_MEGAPIXELS lower, or give it more.",
            *(room // MILLION, places, config["MAX_MEGAPIXELS"], config["BODIES_MB"], needed // MILLION, PREFIX),
        )


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
    if f"{PREFIX}_{_VERBATIM}" in os.environ:
        config[_VERBATIM] = os.environ[f"{PREFIX}_{_VERBATIM}"]
    config.from_mapping(given or {})
    for name, setting in SETTINGS.items():
        if not setting.accepts(config[name]):
            shown = "not shown here" if name == _VERBATIM else repr(config[name])
            raise ValueError(
                f"{PREFIX}_{name} is {shown}. Expected {setting.expected}. "
                f"Unset it to get the default, {setting.default!r}."
            )
    config["MAX_CONTENT_LENGTH"] = int(config["MAX_BODY_MB"] * MILLION)
    warn_of_little_memory(config)
    _warn_of_strangers()


def _warn_of_strangers() -> None:
    for variable in sorted(os.environ):
        prefix, _, name = variable.partition("_")
        if prefix == PREFIX and name not in SETTINGS and name not in _ELSEWHERE:
            logger.warning("%s is not a setting of the service, and changes nothing.", variable)
