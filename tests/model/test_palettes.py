"""Whether people who see colours otherwise can tell the categories apart, by simulation."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from model import categories

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15(6), 2009: severity 1.0, on linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def nearest(colors: np.ndarray, sight: str) -> float:
    """The least distance between two colours as they are seen: CIE 1976, in CIELAB."""
    values = colors / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SIGHT[sight]), 0, 1)
    values = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = cv2.cvtColor(values[np.newaxis].astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    return min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(lab, 2))


@pytest.mark.parametrize("sight", SIGHT)
def test_colorblind_colours_are_far_apart(sight):
    assert nearest(categories.COLORBLIND_PALETTE, sight) > 16


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("sight", SIGHT)
def test_colorblind_colours_stay_apart_half_over_a_photograph(sight, grey):
    assert nearest(categories.COLORBLIND_PALETTE / 2 + grey / 2, sight) > 7


def test_the_official_colours_are_not_apart_so_the_simulation_can_tell():
    assert nearest(categories.PALETTE, "deuteranopia") < 7


def test_palettes_have_a_colour_for_each_category_and_black_for_void():
    for palette in categories.PALETTES.values():
        assert (palette.dtype, palette.shape) == (np.uint8, (categories.COUNT, 3))
        assert not palette[categories.VOID].any()
        assert len(np.unique(palette, axis=0)) == categories.COUNT
