"""`python -m bench.page`: how long the page takes to draw a result anew, in Chromium, and how heavy it is.

Starts startup.sh with the shipped network, gives the page a drawn street of 2048x1024 pixels, and changes opacity,
categories and view as a visitor does. The page measures itself (`performance.measure`), from the moment it begins to
colour until the canvas holds the pixels, and a pixel is read back so that nothing is put off; what the browser then
needs to show them is not in it, so the time from a change to the second frame after it is given too.
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import tempfile
import urllib.request
from pathlib import Path

from PIL import Image

from bench.reliability.target import started
from model.data import synthetic

BAR = 16.0  # ms
SIZE = (1024, 2048)

_WATCH = """
    window.redraws = [];
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) window.redraws.push(each.duration);
    }).observe({entryTypes: ["measure"]});
"""
# One change, then the times that it took: to draw, and until the frame after the one that shows it.
_CHANGE = """
    const [kind, number, done] = arguments;
    const start = performance.now();
    if (kind === "category") {
        document.querySelectorAll("#rows input")[number % 8].click();
    } else if (kind === "view") {
        document.querySelectorAll("input[name=view]")[number % 3].click();
    } else {
        const field = document.getElementById(kind);
        if (kind === "outline") field.click();
        else {
            field.value = (number % 19 + 1) / 20;
            field.dispatchEvent(new Event("input", {bubbles: true}));
        }
    }
    let flush = 0;
    // The page's own callback came first, so here the canvas is drawn, if not put off: reading a pixel ends that.
    requestAnimationFrame(() => {
        const drawn = performance.now();
        document.getElementById("colors").getContext("2d").getImageData(0, 0, 1, 1);
        flush = performance.now() - drawn;
        requestAnimationFrame(() => {
            const frame = performance.now() - start;
            setTimeout(() => done([window.redraws.at(-1) + flush, frame]));
        });
    });
"""
KINDS = ("opacity", "category", "least", "outline", "view")


def main() -> int:
    """Return 0 where the bar is kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__.splitlines()[0])
    parser.add_argument("--changes", type=int, default=200, help="of each kind (200)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started() as target:
        address = f"http://127.0.0.1:{target.port}"
        photograph = Path(folder) / "street.jpg"
        Image.fromarray(synthetic.scene(111, size=SIZE)[0]).save(photograph, quality=90)
        print(f"weight of the page without images: {weight(address):,} bytes")
        medians = [measure(address, photograph, folder, kind, arguments.changes) for kind in KINDS]
    kept = max(medians) < BAR
    print(f"bar: every median under {BAR:g} ms: {'kept' if kept else 'NOT KEPT'}")
    return 0 if kept else 1


def weight(address: str) -> int:
    """Return the bytes, uncompressed, of the page with its styles, scripts and icon."""
    page = urllib.request.urlopen(address).read()
    parts = set(re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css|svg))"', page.decode()))
    return len(page) + sum(len(urllib.request.urlopen(address + part).read()) for part in parts)


def measure(address: str, photograph: Path, folder: str, kind: str, changes: int) -> float:
    """Print the times of one kind of change; return the median of the drawing, in ms."""
    driver = _browser(tempfile.mkdtemp(dir=folder))
    try:
        driver.get(address)
        driver.execute_script(_WATCH)
        driver.find_element("id", "image").send_keys(str(photograph))
        while not driver.execute_script("return !document.getElementById('reading').hidden"):
            pass
        times = [driver.execute_async_script(_CHANGE, kind, number) for number in range(changes + 10)][10:]
    finally:
        driver.quit()
    drawing, frames = zip(*times, strict=True)
    ordered = sorted(drawing)
    median = statistics.median(ordered)
    print(
        f"{kind}: {changes} changes of a {SIZE[1]}x{SIZE[0]} result, drawn in {median:.1f} ms (median), "
        f"{ordered[int(0.95 * len(ordered))]:.1f} (95 of 100); to the second frame {statistics.median(frames):.1f}"
    )
    return median


def _browser(profile: str):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


if __name__ == "__main__":
    sys.exit(main())
