"""How flags are read where argparse alone would let a mistake pass."""

from __future__ import annotations

import argparse


class Once(argparse.Action):
    """A flag that may stand on the command line once: by itself argparse drops all but the last without a word."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Take the value, or end with status 2 at a second one."""
        given = getattr(namespace, "_given_once", ())
        if self.dest in given:
            parser.error(
                f"received {option_string} twice: {getattr(namespace, self.dest)!r} and {values!r}. Expected one: "
                "only train takes several."
            )
        namespace._given_once = (*given, self.dest)
        setattr(namespace, self.dest, values)


def shares(text: str) -> list[float]:
    """Read numbers with commas between them, such as `0.4,0.6`.

    Raises:
        argparse.ArgumentTypeError: something else.
    """
    return _numbers(text, "0.4,0.6")


def scales(text: str) -> tuple[float, ...]:
    """Read sizes relative to a network's own with commas between them, such as `0.75,1,1.25`.

    Raises:
        argparse.ArgumentTypeError: something else.
    """
    return tuple(_numbers(text, "0.75,1,1.25"))


def _numbers(text: str, example: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"received {text!r}, expected numbers such as {example}") from error
