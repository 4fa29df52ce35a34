"""Headless Chromium, spoken to over the Chrome DevTools Protocol: just what pictures and browser tests need."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 30.0
ANSWER_SECONDS = 30.0
LOUD = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
FLAGS = (
    "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--hide-scrollbars", "--remote-debugging-port=0", "--force-color-profile=srgb", "--disable-dev-shm-usage",
)


def installed() -> str | None:
    """The program's path; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One page. Remembers what it fetched and what its console said."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last_id = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command; its result. Raises ``RuntimeError`` with Chromium's words."""
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.recv(ANSWER_SECONDS))).get("id") != self._last_id:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return dict(answer["result"])

    def open(self, address: str, width: int = 1100, height: int = 900, *, dark: bool = False, scale: float = 1.0) -> Self:
        """Loads a page and waits until it is there."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)
        self.prefer("dark" if dark else "light")
        self.events.clear()
        self.call("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")
        return self

    def prefer(self, theme: str, media: str = "") -> None:
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": theme}])

    def _wait_for(self, method: str) -> None:
        while not any(event.get("method") == method for event in self.events):
            self.events.append(json.loads(self._socket.recv(ANSWER_SECONDS)))

    def run(self, script: str) -> Any:
        """The value of an expression in the page. Raises ``RuntimeError`` if it throws."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "the script failed"))
        return answer["result"].get("value")

    def move_to(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        """A true click in the middle of an element, scrolled into view."""
        box = self.run(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
                       f" return [b.x + b.width / 2, b.y + b.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}[key])

    def picture(self, selector: str | None = None, height: int | None = None, margin: int = 0) -> bytes:
        """PNG of the page or of one element, or of so much of its upper part; with what is around it."""
        element = json.dumps(selector or "html")
        box = self.run(f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])(document.querySelector({element}).getBoundingClientRect())")
        box = [box[0] - margin, box[1] - margin, box[2] + 2 * margin, box[3] + 2 * margin]
        clip = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {"scale": 1}
        clip["height"] = min(clip["height"], height or clip["height"])
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"])

    @property
    def fetched(self) -> list[str]:
        """Addresses asked for since ``open``, the page itself and data: not counted."""
        self.call("Runtime.evaluate", expression="0")
        urls = [event["params"]["request"]["url"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in urls[1:] if not url.startswith("data:")]

    @property
    def complaints(self) -> list[str]:
        """What the console said: errors, warnings, refused by policy."""
        self.call("Runtime.evaluate", expression="0")
        return [json.dumps(event["params"])[:500] for event in self.events if event.get("method") in LOUD]


@contextmanager
def chromium() -> Iterator[Tab]:
    """A fresh browser with one tab. Raises ``RuntimeError`` if it does not start."""
    program = installed()
    if program is None:
        raise RuntimeError("Chromium is not installed: install the package chromium.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        process = subprocess.Popen([program, *FLAGS, *sandbox, f"--user-data-dir={profile}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_tab_address(Path(profile), process), max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.terminate()
            process.wait(10)


def _tab_address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The web socket of the first tab, once Chromium has written down its port."""
    import requests

    deadline, file = time.monotonic() + START_SECONDS, profile / "DevToolsActivePort"
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and (port := file.read_text().partition("\n")[0]):
            tabs = requests.get(f"http://127.0.0.1:{port}/json/list", timeout=ANSWER_SECONDS).json()
            if found := [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]:
                return str(found[0])
        time.sleep(0.05)
    raise RuntimeError("Chromium did not start.")
