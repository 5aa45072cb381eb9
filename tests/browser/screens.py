"""What pages are held to on every screen: nothing for axe-core to say, nothing wider than the window."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SIZES = [(360, 740), (768, 1024), (1280, 800)]
"""Width and height of a telephone, a tablet and a desk, in CSS pixels."""


def show(driver, size: tuple[int, int], scheme: str) -> None:
    """Give the page a screen of a size, in `light` or `dark`."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def barriers(driver) -> list[str]:
    """Ask axe-core for what keeps people from using the page."""
    # Only its file is wanted; the package around it would want Playwright.
    package = Path(importlib.util.find_spec("axe_playwright_python").origin).parent
    driver.execute_script((package / "axe.min.js").read_text("utf-8"))
    found = driver.execute_async_script("axe.run(document, {resultTypes: ['violations']}).then(arguments[0])")
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in found["violations"]]


def overhang(driver) -> int:
    """Tell how many pixels the page is wider than its window."""
    return driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
