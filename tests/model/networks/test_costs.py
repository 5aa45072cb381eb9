"""Multiply-adds, against a network counted by hand and against a published figure."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from model.networks.costs import multiply_adds


def test_every_kind_of_layer_is_counted_as_by_hand():
    images = keras.Input((None, None, 3))
    features = layers.Conv2D(4, 3, strides=2, padding="same")(images)  # 8x16 cells, 27 x 4
    features = layers.BatchNormalization()(features)
    features = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(features)  # 8x16 cells, 9 x 8
    features = layers.SeparableConv2D(5, 3, padding="same")(features)  # 8x16 cells, 9 x 8 and 8 x 5
    features = layers.Conv2D(6, 1, groups=1)(features)  # 8x16 cells, 5 x 6
    features = layers.Conv2DTranspose(2, 4, 2, padding="same")(features)  # 8x16 cells that are put in, 16 x 6 x 2
    features = layers.GlobalAveragePooling2D()(features)
    model = keras.Model(images, layers.Dense(7)(features))  # 2 x 7
    assert multiply_adds(model, (16, 32)) == 8 * 16 * (27 * 4 + 72 + (72 + 40) + 30 + 192) + 14


def test_grouped_convolutions_cost_less():
    images = keras.Input((8, 8, 4))
    model = keras.Model(images, layers.Conv2D(6, 3, groups=2)(images))
    assert multiply_adds(model, (8, 8)) == 6 * 6 * 9 * 2 * 6


def test_mobilenet_v2_costs_what_is_published():
    # Sandler et al. 2018, table 4: 300 million for an image of 224x224.
    model = keras.applications.MobileNetV2(weights=None)
    assert multiply_adds(model, (224, 224)) == pytest.approx(300e6, rel=0.005)


def test_a_model_inside_a_model_is_refused():
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 1)], name="inner")
    images = keras.Input((8, 8, 3))
    with pytest.raises(ValueError, match="holds other models: inner"):
        multiply_adds(keras.Model(images, inner(images)), (8, 8))
