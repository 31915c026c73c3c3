"""The documentation as a site: strict build, no external resources, every equation rendered."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from equations import equation

from browser_pages import assert_nothing_sticks_out, find

ROOT = Path(__file__).parents[1]
LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Loads(HTMLParser):
    """Collects everything that a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADING.get(tag, ""))
        if address and dict(attrs).get("rel") not in {"prev", "next", "canonical"}:
            self.addresses.append(address)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    menu = (site / "index.html").read_text()
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 10
    for page in pages:
        assert (site / page).is_file()
        assert f'href="{page}"' in menu, f"{page} is not in the nav of mkdocs.yml"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text())
        assert loads.addresses
        assert not [address for address in loads.addresses if re.match(r"(https?:)?//", address)], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import\s+)['\"]?(https?:)?//", sheet.read_text()), sheet.name


def test_equations_are_drawn(site: Path) -> None:
    for name in ("reference/cost-equations.html", "fitness.html"):
        page = (site / name).read_text()
        assert page.count("<math") > 10
        assert "arithmatex" not in page
        assert not re.search(r"<m(i|text|o)>[^<]*(\\|&<|\$)", page), "LaTeX that became no MathML"
        assert "$\\" not in page, "a formula that was cut, as by a | in a table"


def test_reference_of_commands_holds_every_option(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text()
    for text in ("neuronas search", "neuronas reproduce hardware", "--max-energy-uj", "--sign-scheme", "Exit", "130"):
        assert text.lower() in page.lower()


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        ("k^2 * ceil(C_in / X)", r"k^{2} \cdot \lceil C_{\text{in}} / X \rceil"),
        ("1 - (1 - rate)^min(C_in, X)", r"1 - (1 - \text{rate})^{\min(C_{\text{in}}, X)}"),
        ("passes * tile.bits", r"\text{passes} \cdot \text{tile bits}"),
        (
            "ceil(o^2 / row_blocks) clock cycles",
            r"\lceil o^{2} / \text{row blocks} \rceil\ \text{clock}\ \text{cycles}",
        ),
    ],
)
def test_formulas_of_docstrings_become_latex(formula: str, latex: str) -> None:
    assert equation(formula) == latex


def test_a_formula_with_an_unknown_sign_is_refused() -> None:
    with pytest.raises(ValueError, match="no equation has"):
        equation("a & b")


@pytest.mark.browser
def test_from_disk_no_code_is_cut_and_no_search_is_promised(site: Path, browser: Any) -> None:
    cut = "return [...document.querySelectorAll('.md-content pre code')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    for page in set(site.rglob("*.html")) - {site / "404.html"}:  # that page is only for a server
        browser.get(page.as_uri())
        assert_nothing_sticks_out(browser)
        assert not browser.execute_script(cut), page.name
        assert not find(browser, ".md-search").is_displayed()
