# Copyright (c) 2026, the rampart.postgresql contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chromium as a person would use it, and what it noted meanwhile."""

from __future__ import annotations

import json
import pathlib
import shutil
import typing as t

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["Browser", "started"]


class Browser:
    """One window."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver
        self._address = ""

    def open(self, page: pathlib.Path, route: str = "", *, script_first: str = "") -> None:
        """Load a file anew; the script runs in it before its own."""
        self._driver.get("about:blank")
        self._log("browser")
        self._log("performance")
        if script_first:
            self.devtools("Page.addScriptToEvaluateOnNewDocument", source=script_first)
        self._address = page.as_uri()
        self._driver.get(self._address + route)

    def go(self, route: str) -> None:
        """Another place of the page that is open."""
        self.script("location.hash = arguments[0]", route)
        self.wait("return !document.querySelector('main section:not([hidden])').matches(':empty')")

    def emulate(self, *, width: int = 1280, height: int = 900, scheme: str = "light", media: str = "") -> None:
        """A screen, and what its owner likes."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", media=media, features=features)

    def devtools(self, command: str, **arguments: t.Any) -> dict[str, t.Any]:
        """A command of the DevTools protocol."""
        return self._driver.execute_cdp_cmd(command, arguments)

    def script(self, text: str, *arguments: t.Any) -> t.Any:
        """The value of a script."""
        return self._driver.execute_script(text, *arguments)

    def script_async(self, text: str, *arguments: t.Any) -> t.Any:
        """The value that a script hands to its last argument."""
        return self._driver.execute_async_script(text, *arguments)

    def wait(self, condition: str) -> t.Any:
        """Until a script says something true."""
        return WebDriverWait(self._driver, 10, poll_frequency=0.02).until(
            lambda driver: driver.execute_script(condition)
        )

    def all(self, selector: str) -> list[WebElement]:
        """Elements that can be seen."""
        return [found for found in self._driver.find_elements("css selector", selector) if found.is_displayed()]

    def one(self, selector: str) -> WebElement:
        """The only element, or the first that can be seen."""
        return self.all(selector)[0]

    def texts(self, selector: str) -> list[str]:
        """What they say."""
        return [found.text for found in self.all(selector)]

    def press(self, *keys: str) -> None:
        """Keys, one after the other, wherever the focus is."""
        for key in keys:
            ActionChains(self._driver).send_keys(key).perform()

    @property
    def focused(self) -> WebElement:
        """Where keys go to."""
        return self._driver.switch_to.active_element

    @property
    def title(self) -> str:
        """Of the window."""
        return self._driver.title

    @property
    def route(self) -> str:
        """The part of the address that the page itself makes."""
        return t.cast(str, self.script("return location.hash"))

    def complaints(self) -> list[str]:
        """What is in the console."""
        return [entry["message"] for entry in self._log("browser")]

    def requests(self) -> list[str]:
        """Everything that was asked for besides the page itself."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if url.partition("#")[0] not in (self._address, "about:blank")]

    def _log(self, name: str) -> list[dict[str, t.Any]]:
        return self._driver.get_log(name)

    def quit(self) -> None:
        """Close it."""
        self._driver.quit()


def started() -> Browser:
    """Debian's Chromium, without a screen."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    return Browser(driver)
