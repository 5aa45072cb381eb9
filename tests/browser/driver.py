"""The page as a visitor has it: what can be done with it, and what it shows."""

from __future__ import annotations

import base64
import io
import json
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from PIL import Image

from tests.app.clients import form

_PIXELS = """
    const canvas = document.getElementById("colors");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
    return [canvas.height, canvas.width, btoa(text)];
"""
# The page draws before a frame; after two, all that was asked for is on screen.
_FRAMES = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
_SET = """
    const field = document.getElementById(arguments[0]);
    field.value = arguments[1];
    for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, {bubbles: true}));
"""
_VISIBLE = "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.innerText)"


class Page:
    """A browser that shows the service's page.

    Args:
        driver: selenium's.
        service: the address.
        downloads: the folder where the browser puts them.
    """

    def __init__(self, driver, service: str, downloads: Path):
        self.driver, self.service, self.downloads = driver, service, downloads

    def choose(self, *paths: str) -> None:
        """Choose files, as the browser's own dialogue does."""
        self.find("image").send_keys("\n".join(paths))

    def read(self, *paths: str) -> None:
        """Choose files, and wait for the result of the first."""
        self.choose(*paths)
        self.wait(lambda: self.shown("reading"))
        self.settle()

    def submit(self, path: str) -> None:
        """Choose a file, and send the form as a browser without script does."""
        self.choose(path)
        self.driver.execute_script("document.submitted = true")
        self.driver.find_element("css selector", "button[type=submit]").click()
        self.wait(lambda: self.run("return !document.submitted && document.readyState === 'complete'"))

    def open(self, address: str | None = None) -> None:
        """Go to an address, by default the page's own, and wait until its scripts have run.

        On a busy machine `get` comes back before that, and what a test does then nobody listens to.
        """
        self.driver.get(address or self.service)
        self.wait(lambda: self.run("return document.readyState === 'complete'"))

    def find(self, id: str):
        """The element."""
        return self.driver.find_element("id", id)

    def click(self, id: str) -> None:
        """Click on an element, and wait until what it changes is on screen."""
        self.find(id).click()
        self.settle()

    def set(self, id: str, value: object) -> None:
        """Give a slider or a list a value."""
        self.run(_SET, id, str(value))
        self.settle()

    def view(self, name: str) -> None:
        """Choose overlay, labels or confidence."""
        self.driver.find_element("css selector", f"input[name=view][value={name}]").click()
        self.settle()

    def tick(self, category: int) -> None:
        """Click on a category's tick."""
        self.driver.find_element("css selector", f"#rows input[value='{category}']").click()
        self.settle()

    def shown(self, id: str) -> bool:
        """Whether an element is on screen."""
        return self.find(id).is_displayed()

    def texts(self, selector: str) -> list[str]:
        """The words of what is visible, all at one moment."""
        return self.run(_VISIBLE, selector)

    def canvas(self) -> np.ndarray:
        """What is painted over the photograph, uint8 (height, width, 4) RGBA."""
        height, width, text = self.run(_PIXELS)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def problem(self) -> str:
        """The words of a refusal, once there is one."""
        return self.wait(lambda: self.find("problem").text)

    def downloaded(self, name: str) -> bytes:
        """What the browser has downloaded under a name."""
        path = self.downloads / name
        self.wait(lambda: path.exists() and path.stat().st_size)
        return path.read_bytes()

    def predict(self, *paths: str, **parameters: object) -> bytes:
        """What the service answers to another client."""
        body, content_type = form(
            *(Path(path).read_bytes() for path in paths), names=[Path(path).name for path in paths]
        )
        address = f"{self.service}/predict?{urlencode(parameters)}"
        request = urllib.request.Request(address, body, {"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def predicted(self, path: str, **parameters: object) -> np.ndarray:
        """The same as an array."""
        return np.array(Image.open(io.BytesIO(self.predict(path, **parameters))))

    def record(self, path: str, **parameters: object) -> dict:
        """The same as JSON."""
        return json.loads(self.predict(path, format="json", **parameters))

    def run(self, script: str, *arguments: object):
        """Run a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def settle(self) -> None:
        """Wait until all that was asked for is drawn."""
        self.driver.execute_async_script(_FRAMES)

    def wait(self, condition, *, seconds: float = 20):
        """Ask until the answer is true; between two documents there may be nothing to ask, which has many names."""
        ends = time.monotonic() + seconds
        while True:
            try:
                if answer := condition():
                    return answer
            except Exception as error:  # noqa: BLE001 (of selenium's many, each means: not yet)
                last: object = error
            else:
                last = answer
            assert time.monotonic() < ends, f"the page did not get there: {last!r}"
            time.sleep(0.02)
