"""`python -m tests.model.training.small VERB ...`: `python -m model`, but every network is one of three convolutions.

For tests of what is around a network, in processes of their own and in those that these start.
"""

from __future__ import annotations

import sys

import keras

from model.training import recipe


def create(name: str, *, categories: int, **_) -> keras.Model:
    """As `registry.create`: a batch norm before the dropout, and one whose statistics hang on what is dropped."""
    images = keras.Input((None, None, 3))
    features = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(images)
    features = keras.layers.Dropout(0.2)(keras.layers.ReLU()(keras.layers.BatchNormalization()(features)))
    features = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(features)
    features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
    logits = keras.layers.Conv2D(categories, 1, dtype="float32")(features)
    return keras.Model(images, logits, name=name)


# Spawned processes import the module that started them, by the second of these names.
if __name__ in ("__main__", "__mp_main__"):
    recipe.registry.create = create

if __name__ == "__main__":
    from model.__main__ import main

    sys.exit(main())
