"""Pictures that are no streets: of the contract's type, of chance alone, and no streets."""

from __future__ import annotations

import numpy as np
import pytest

from model.data import strangers, synthetic

each_kind = pytest.mark.parametrize("kind", strangers.KINDS, ids=[kind.__name__ for kind in strangers.KINDS])


@each_kind
@pytest.mark.parametrize("size", [(320, 640), (96, 64), (7, 5)])
def test_a_picture_is_uint8_and_the_street_stays_as_it_was(kind, size):
    street = synthetic.scene(1, size=(64, 128))[0]
    street = np.resize(street, (*size, 3))
    before = street.copy()
    for seed in range(5):
        picture = kind(street, np.random.default_rng(seed))
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert picture.flags.c_contiguous
    np.testing.assert_array_equal(street, before)


@each_kind
def test_equal_chance_gives_equal_pictures_and_other_chance_others(kind):
    street = synthetic.scene(1, size=(64, 128))[0]
    first, again, *others = (kind(street, np.random.default_rng(seed)) for seed in (4, 4, 5, 6, 7, 8, 9))
    np.testing.assert_array_equal(first, again)
    assert any(first.shape != other.shape or (first != other).any() for other in others)


def test_a_mosaic_has_the_tiles_of_the_street():
    # Of one colour each, so that resizing changes none.
    street = np.repeat(np.arange(4, dtype=np.uint8), 160 * 320).reshape(2, 2, 160, 320)
    street = np.dstack([street.transpose(0, 2, 1, 3).reshape(320, 640)] * 3)
    for seed in range(20):
        found, counts = np.unique(strangers.mosaic(street, np.random.default_rng(seed))[..., 0], return_counts=True)
        assert set(found) <= set(range(4))
        assert counts.max() < 0.6 * counts.sum()
