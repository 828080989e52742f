"""Using a page as a person does: Chromium by its debugging protocol, cut off from the web."""

import base64
import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.headless import BROWSER

KEYS = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowDown": 40}  # their virtual codes
PATIENCE = 30.0  # seconds to wait for what a page should come to
OPTIONS = (
    "--headless",
    "--no-sandbox",  # which root may not use
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)


class Tab:
    """A page in Chromium. problems: what its console says, and every request that it makes."""

    def __init__(self, send: int, receive: int) -> None:
        self.problems: list[str] = []
        self._send, self._receive, self._buffer = send, receive, b""
        self._count, self._session = 0, ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Return what a method of the protocol returns."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            assert select.select([self._receive], [], [], PATIENCE)[0], "Chromium is silent"
            self._buffer += os.read(self._receive, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        method, params = event["method"], event.get("params", {})
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.problems.append(json.dumps(params)[:500])
        elif method == "Network.requestWillBeSent" and params["type"] != "Document":
            self.problems.append(params["request"]["url"][:200])

    def open(self, page: Path) -> None:
        """Load a page."""
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("document.readyState === 'complete'")

    def evaluate(self, code: str) -> Any:
        """Return the value of an expression of JavaScript."""
        answer = self.call(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < end, f"in vain: {condition}"
            time.sleep(0.02)

    def press(self, text: str) -> None:
        """Press the button with a text."""
        buttons = "[...document.querySelectorAll('button')]"
        self.evaluate(f"{buttons}.find((each) => each.textContent === {text!r}).click()")

    def key(self, key: str) -> None:
        """Press a key, where the focus is."""
        also = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key,
                windowsVirtualKeyCode=KEYS[key], **also
            )  # fmt: skip

    def look(self, width: int, scheme: str) -> None:
        """Take another width in CSS pixels, and a colour scheme, light or dark."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, file: Path) -> None:
        """Write a PNG of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def opened(page: Path, profile: Path) -> Iterator[Tab]:
    """Open a page in a Chromium of its own. profile: a new folder."""
    to_browser, send = _pipe()
    receive, from_browser = _pipe()
    # Chromium reads commands from descriptor 3, and answers by 4.
    script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    command = [BROWSER, *OPTIONS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", script, "bash", *command],
        pass_fds=(to_browser, from_browser),
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        tab = Tab(send, receive)
        tab.open(page)
        yield tab
    finally:
        process.terminate()
        process.wait()
        os.close(send)
        os.close(receive)


def _pipe() -> list[int]:
    """Return a pipe's two descriptors, neither of which is 3 or 4."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved
