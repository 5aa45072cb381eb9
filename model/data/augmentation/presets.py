"""Augmentation by name, from none to strong, or by the file of a pipeline.

Array contract: see `model.data.augmentation`.
"""

from __future__ import annotations

from model.data.augmentation import pipelines
from model.data.augmentation.recipe import Augmentation

# Each says what differs from the defaults of `Augmentation`.
_RECIPES = {
    "none": {"whole": True},
    "light": {
        "scale": (0.75, 1.25),
        "stretch": 0.0,
        "brightness": 0.15,
        "contrast": 0.15,
        "saturation": 0.2,
        "hue": 0.03,
        "blur": 0.0,
        "jpeg": 0.0,
    },
    # What the first network that was shipped was trained with, but for red and blue, which its JPEG artefacts had
    # changed about.
    "standard": {"scale": (0.75, 1.75)},
    "strong": {
        "scale": (0.5, 2.0),
        "blur": 0.2,
        "blur_sigma": (0.4, 2.5),
        "jpeg": 0.25,
        "jpeg_quality": (15, 80),
        "motion": 0.15,
        "noise": 0.25,
        "weather": 0.3,
        "night": 0.12,
        "copies": 0.5,
    },
    # Half of the views in fair weather, so that these lose nothing; night is the hardest, and the one most often seen.
    "all_weather": {
        "scale": (0.6, 1.75),
        "blur": 0.15,
        "blur_sigma": (0.4, 2.5),
        "jpeg": 0.2,
        "jpeg_quality": (15, 80),
        "motion": 0.1,
        "noise": 0.2,
        "weather": 0.2,
        "night": 0.25,
        "copies": 0.3,
    },
}

PRESETS: tuple[str, ...] = tuple(_RECIPES)
"""From the weakest to the strongest, by how much they vary the brightness of a view."""


def create(
    preset: str,
    *,
    crop: tuple[int, int],
    scale: tuple[float, float] | None = None,
    rare_share: float = 0.0,
    weather: float | None = None,
    night: float | None = None,
) -> Augmentation | pipelines.Pipeline:
    """Make the augmentation of a name.

    Args:
        preset: `none` (the whole image, resized), `light` (crops of 0.75 to 1.25, flip, mild colours), `standard` (what
            the shipped network began with), `strong` (larger changes of size, weather, night, noise, worse
            pictures, things of rare categories copied from other samples), `all_weather` (what it went on with: sizes
            nearer to the image's own, a fifth of the views in weather, a fifth by night), or the path, ending in .json
            or .yaml, of a pipeline that `albumentations.save` wrote.
        crop: (height, width) in pixels of what the network is shown.
        scale: smallest and largest size of the whole image, relative to what serving shows; None for the preset's own.
        rare_share: share of views, 0 to 1, whose crop is the one of four that holds most of the rare categories.
        weather: share of views, 0 to 1, in fog, rain, snow or a low sun; None for the preset's own.
        night: share, 0 to 1, of the other views by night; likewise.

    Returns:
        An object whose `apply` makes views.

    Raises:
        ValueError: the name is unknown, a value is out of range, a file can't be loaded, or random crops are asked of
            what makes none.
    """
    if scale is not None and not 0 < scale[0] <= scale[1]:
        raise ValueError(f"Received a scale of {scale}. Expected the smallest, above 0, and then the largest.")
    shares = {name: share for name, share in (("weather", weather), ("night", night)) if share is not None}
    for name, share in (shares | {"rare": rare_share}).items():
        if not 0 <= share <= 1:
            raise ValueError(f"Received a {name} share of {share}. Expected 0 to 1.")
    is_file = str(preset).lower().endswith(pipelines.FORMATS)
    if not is_file and preset not in _RECIPES:
        raise ValueError(
            f"There is no augmentation {preset!r}. Expected one of {', '.join(PRESETS)}, or an albumentations pipeline "
            f"({', '.join(pipelines.FORMATS)})."
        )
    if (is_file or preset == "none") and (scale is not None or rare_share or shares):
        reason = "which alone decides about its views" if is_file else "which always shows the whole image as it is"
        raise ValueError(
            f"Received scale {scale} and shares {shares | {'rare': rare_share}} for augmentation {str(preset)!r}, "
            f"{reason}. Leave them out, or take another preset."
        )
    if is_file:
        return pipelines.load(preset, crop=crop)
    recipe = _RECIPES[preset] | ({} if scale is None else {"scale": scale}) | shares
    return Augmentation(crop=crop, rare_share=rare_share, **recipe)
