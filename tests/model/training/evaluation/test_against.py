"""Two answers side by side: what is said of their difference, and of which images."""

from __future__ import annotations

import numpy as np
import pytest

from model.categories import COUNT
from model.training.evaluation import against
from model.training.scoring import ImageScore as Image
from model.training.scoring import Scores, total


def scores(*, sky: int, human: int, images: int = 30, city: str = "aachen", sway: int = 0) -> Scores:
    """Each image has 100 pixels of sky, `sky` of them found, and of human, by turns `sway` more and fewer."""
    found = []
    for number in range(images):
        confusion = np.zeros((COUNT, COUNT), np.int64)
        confusion[5, 5], confusion[5, 2] = sky, 100 - sky
        hits = human + (sway if number % 2 else -sway)
        confusion[6, 6], confusion[6, 2] = hits, 100 - hits
        found.append(Image(f"{city}{number % 3}_{number:06d}", confusion, confusion))
    return total(found)


def rows(**options) -> dict[str, against.Row]:
    found = against.compare(scores(sky=80, human=40), scores(sky=90, human=40 + 2), resamples=300, **options)
    return {row.name: row for row in found}


def test_the_difference_is_ours_less_theirs():
    sky = rows()["sky"]
    assert (sky.ours, sky.theirs) == (0.8, 0.9)
    assert sky.difference == pytest.approx(-0.1)
    assert sky.low == sky.high == pytest.approx(-0.1)
    assert sky.verdict == "worse"


def test_within_chance_it_is_open():
    # The one finds more in every second image, the other in those between, by about as much.
    ours, theirs = scores(sky=80, human=41, sway=10), scores(sky=80, human=40, sway=-10)
    human = next(row for row in against.compare(ours, theirs, resamples=300) if row.name == "human")
    assert human.difference > 0
    assert human.low < 0 < human.high
    assert human.verdict == "open"


def test_beyond_chance_it_is_better_or_worse():
    ours, theirs = scores(sky=80, human=45, sway=1), scores(sky=80, human=40, sway=-1)
    found = {row.name: row.verdict for row in against.compare(ours, theirs, resamples=300)}
    assert (found["human"], found["sky"], found["mean"]) == ("better", "open", "better")


def test_a_category_that_never_occurs_has_no_difference():
    flat = rows()["flat"]
    assert (flat.ours, flat.difference, flat.verdict) == (None, None, "open")
    # It is left out of the mean, as in the official score: construction, which is only answered, has IoU 0.
    assert rows()["mean"].ours == pytest.approx((0.8 + rows()["human"].ours + 0) / 3)


def test_cities_are_what_names_begin_with():
    found = scores(sky=80, human=40, images=6)
    assert against.groups(found, "images") is None
    assert against.groups(found, "cities") == ["aachen0", "aachen1", "aachen2"] * 2
    assert rows(units="cities")["sky"].difference == pytest.approx(-0.1)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="different images"):
        against.compare(scores(sky=1, human=1), scores(sky=1, human=1, city="zurich"))


def test_the_table_names_both_and_shows_every_row():
    text = against.table(list(rows().values()), ours="unet-1", theirs="unet-2", drawn="300 x 30 images")
    lines = text.splitlines()
    assert lines[0].startswith("unet-1 - unet-2")
    assert "300 x 30 images" in lines[0]
    sky = next(line for line in lines if line.startswith("sky"))
    assert sky.split() == ["sky", "80.00", "90.00", "-10.00", "-10.00", "to", "-10.00", "worse"]
    assert next(line for line in lines if line.startswith("flat")).split() == ["flat", "-", "-", "-", "-"]
