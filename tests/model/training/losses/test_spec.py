"""How a loss is written, and what is said of one that can't be read."""

from __future__ import annotations

import pytest

from model.training.losses.spec import Term, parse


@pytest.mark.parametrize(
    ("spec", "terms"),
    [
        ("dice", [Term(1, "dice", {})]),
        ("lovasz()", [Term(1, "lovasz", {})]),
        ("cross_entropy+0.5*dice", [Term(1, "cross_entropy", {}), Term(0.5, "dice", {})]),
        (" tversky( alpha = 0.3,beta=.7 ) ", [Term(1, "tversky", {"alpha": 0.3, "beta": 0.7})]),
        (
            "2*focal(gamma=1e+0) + 1e-3 * dice + lovasz",
            [Term(2, "focal", {"gamma": 1}), Term(0.001, "dice", {}), Term(1, "lovasz", {})],
        ),
        ("0*dice + focal(gamma=-1)", [Term(0, "dice", {}), Term(1, "focal", {"gamma": -1})]),
    ],
)
def test_reads(spec, terms):
    assert parse(spec) == terms


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "The loss is empty"),
        ("  ", "The loss is empty"),
        ("dice +", "invalid syntax"),
        ("dice dice", "invalid syntax"),
        ("tversky(alpha=0.3", r'it has 1 "\(" and 0 "\)"'),
        ("tversky alpha=0.3)", r'it has 0 "\(" and 1 "\)"'),
        (")dice(", "unmatched"),
        ("-0.5*dice", r"the weight -0\.5 is negative"),
        ("focal - dice", "it subtracts, and a weight must be at least 0"),
        ("1e999*dice", "is not a number"),
        (f"{10**400}*dice", "is not a number"),
        (f"dice(smooth=-{10**400})", "is not a number"),
        ("half*dice", '"half" is not a number'),
        ("True*dice", '"True" is not a number'),
        ("dice*0.5", '"dice" is not a number'),
        ("2", '"2" is not the name of a loss'),
        ("dice/2", '"dice / 2" is not the name of a loss'),
        ("0.5*(dice + focal)", r'"dice \+ focal" is not the name of a loss'),
        ("os.system(command=1)", "is not the name of a loss"),
        ("tversky(0.3)", "each parameter needs its name"),
        ("tversky(**values)", "each parameter needs its name"),
        ("tversky(alpha=high)", '"high" is not a number'),
        ("tversky(alpha=1, alpha=2)", "alpha"),
    ],
)
def test_says_what_it_cannot_read(spec, words):
    with pytest.raises(ValueError, match=words) as caught:
        parse(spec)
    assert "Expected a sum of names, such as" in str(caught.value)
