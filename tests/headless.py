"""Looking at pages with a headless browser, cut off from the web."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), "")

needs_browser = pytest.mark.skipif(not BROWSER, reason="needs Chromium or Chrome")


def rendered(page: Path, width: int = 1300, *options: str) -> tuple[str, list[str]]:
    """Return the page's DOM once its scripts are done, and what the console says.

    options: further ones of the browser.
    """
    result = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",  # which root may not use
            "--disable-gpu",
            f"--window-size={width},3000",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--virtual-time-budget=20000",
            "--enable-logging=stderr",
            *options,
            "--dump-dom",
            page.as_uri(),
        ],
        text=True,
        capture_output=True,
        check=True,
    )
    return result.stdout, re.findall(r':CONSOLE:?.*?\] (".*)', result.stderr)
