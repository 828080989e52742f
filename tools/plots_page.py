"""Make the page into which `dvc plots show` and `dvc plots diff` put the plots, for use offline.

Usage: python tools/plots_page.py (needs npm); writes .dvc/plots_page.html, which .dvc/config names.

DVC's own page loads Vega from the web. This one holds it: from npm, the last versions of the major
ones that DVC's templates are written for, with the licences of all packages that come with them. It
also forbids the browser to fetch anything but pictures that lie beside it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "stages"))

import start

PACKAGES = {"vega": "5.33.1", "vega-lite": "5.23.0", "vega-embed": "6.29.0"}
PAGE = Path(__file__).resolve().parents[1] / ".dvc" / "plots_page.html"
INSTALL = ("npm", "install", "--silent", "--no-save", "--ignore-scripts", "--omit=optional")

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file: data:;
  script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'">
{refresh_tag}
<title>Plots</title>
<style>
  body {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 32rem), 1fr));
    gap: 1.5rem;
    margin: 1rem;
    font-family: system-ui, sans-serif;
    background: white;
    color: black;
  }
  body > div { min-width: 0; overflow-x: auto; }
  body > div.vega-embed { display: block; }
  body > div:has(img), body > p { grid-column: 1 / -1; margin: 0; }
  body > div > div:has(img) { box-sizing: border-box; max-width: calc(100% - 10px); }
  img { max-width: 100%; }
</style>
"""
# DVC's plots call `vegaEmbed(place, specification)`. As SVG they are sharp on paper, too; a menu
# without the link to Vega's editor keeps the page off the web.
TAIL = """<script>
const embed = vegaEmbed, actions = {export: true, source: true, compiled: false, editor: false};
vegaEmbed = (place, specification) => embed(place, specification, {renderer: "svg", actions});
</script>
</head>
<body>
<p>In a plot of curves or runs, a click on a model in the legend shows it alone, and a shift-click
adds another; a double click shows all again.</p>
{plot_divs}
</body>
</html>
"""


def script(modules: Path, name: str) -> str:
    """Return an installed package's script, to stand in a page. Raises ValueError if it cannot."""
    code = (modules / name / "build" / f"{name}.min.js").read_text(encoding="utf-8")
    code, _, _ = code.partition("//# sourceMappingURL=")
    if "</script" in code:
        raise ValueError(f"{name}: its script holds '</script'")
    return f"<script>\n/* {name} {PACKAGES[name]} */\n{code.strip()}\n</script>\n"


def licences(modules: Path) -> str:
    """Return the licence texts of all installed packages, each once, as an HTML comment."""
    packages: dict[str, list[str]] = {}
    for file in sorted(modules.glob("*/LICEN[CS]E*")):
        text = file.read_text(encoding="utf-8").replace("--", "-").strip()
        packages.setdefault(text, []).append(file.parent.name)
    parts = [f"{', '.join(names)}:\n\n{text}\n" for text, names in packages.items()]
    rule = "\n" + 78 * "=" + "\n"
    return "<!-- The licences of the scripts below.\n" + rule + f"{rule}".join(parts) + "\n-->\n"


def main() -> None:
    """Fetch the packages and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        versions = [f"{name}@{version}" for name, version in PACKAGES.items()]
        subprocess.run([*INSTALL, "--prefix", folder, *versions], cwd=folder, check=True)
        modules = Path(folder, "node_modules")
        scripts = "".join(script(modules, name) for name in PACKAGES)
        page = HEAD + licences(modules) + scripts + TAIL
    PAGE.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
