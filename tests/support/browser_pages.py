"""Helpers for pages in a real browser."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WIDTHS = (360, 800, 1400)


def asked_urls(browser: Any) -> list[str]:
    """Requests of the browser since the last call."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def text_of(browser: Any, selector: str) -> str:
    """The text shown, read in one step, since a live page may replace the element in between."""
    found = browser.execute_script("return document.querySelector(arguments[0])?.innerText", selector)
    assert found is not None, f"no {selector} on the page"
    return str(found)


def keys(browser: Any, selector: str, *pressed: str) -> None:
    find(browser, selector).send_keys(*pressed)


def number_shown(browser: Any) -> int:
    return int(text_of(browser, "#count").split(" of ")[0].replace(",", ""))


def settle(browser: Any) -> None:
    """Wait until the update of a slider is drawn."""
    browser.execute_async_script(
        "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
    )


def assert_nothing_sticks_out(browser: Any) -> None:
    for width in WIDTHS:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@contextmanager
def scheme_of(browser: Any, scheme: str) -> Iterator[None]:
    """Emulate a system set to ``light`` or ``dark``."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    yield
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
