"""Drives Debian's Chromium through one visit that standard input describes as JSON, and prints what was seen as JSON.

The visit has `chromium` (the program), `url`, `viewport` [width, height], `scheme` (light or dark), `shots` (a folder for
screenshots) and `steps`. Each step is an object with one member and gives one result:

  {"text": ""}             the page's text as a person reads it
  {"press": "Tab"}         a key; what has the focus then
  {"submit": "Enter"}      a key that leads to another page, which is waited for
  {"type": "ABCD"}         keys typed one by one
  {"shot": "name"}         a screenshot of the whole page
  {"fits": ""}             whether nothing is wider than the window, and the smallest height of what can be pressed
  {"axe": ""}              what axe-core finds wrong with the page
  {"blocked": ""}          what the page's content security policy kept from running, told by the browser
  {"scan": ""}             what a mail scanner does: runs scripts, fills fields, presses every button, posts every form
  {"status": ""}           the HTTP status of the page that is shown

Only the keyboard is used but for `scan`. Nothing is fetched from anywhere but the page's own host.
"""

import json
import os
import sys
import tempfile

import axe_playwright_python
from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
FOCUSED = "() => { const it = document.activeElement; return { tag: it.tagName, id: it.id, text: it.innerText, value: it.value } }"
FITS = """() => ({
  wider_by: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  lowest: Math.min(...[...document.querySelectorAll('button, input:not([type=hidden])')].map(it => it.getBoundingClientRect().height)),
})"""


class Visit:
    def __init__(self, job, browser, axe):
        self.job = job
        self.status = None
        self.blocked = []
        # The style sheet stays barred or allowed as the policy says; only axe itself needs a way round it.
        self.context = browser.new_context(
            viewport={"width": job["viewport"][0], "height": job["viewport"][1]},
            color_scheme=job["scheme"],
            bypass_csp=axe,
            device_scale_factor=2 if job["viewport"][0] < 500 else 1,
        )
        self.open()

    def open(self):
        self.page = self.context.new_page()
        self.page.on("console", self.heard)
        self.page.on("response", self.answered)
        self.page.goto(self.job["url"], wait_until="load")

    def heard(self, message):
        if "Content Security Policy" in message.text:
            self.blocked.append(message.text)

    def answered(self, response):
        if response.request.is_navigation_request():
            self.status = response.status

    def step(self, step):
        (what, value), = step.items()
        return getattr(self, f"step_{what}")(value)

    def step_text(self, _):
        return self.page.inner_text("body")

    def step_press(self, key):
        self.page.keyboard.press(key)
        return self.page.evaluate(FOCUSED)

    def step_submit(self, key):
        with self.page.expect_navigation(wait_until="load"):
            self.page.keyboard.press(key)

    def step_type(self, text):
        self.page.keyboard.type(text)
        return self.page.evaluate(FOCUSED)

    def step_shot(self, name):
        path = os.path.join(self.job["shots"], f"{name}.png")
        self.page.screenshot(path=path, full_page=True)
        return path

    def step_fits(self, _):
        return self.page.evaluate(FITS)

    def step_axe(self, _):
        folder = os.path.dirname(axe_playwright_python.__file__)
        with open(os.path.join(folder, "axe.min.js"), encoding="utf-8") as script:
            self.page.evaluate(script.read())
        found = self.page.evaluate("() => axe.run()")
        rules = [{"id": it["id"], "help": it["help"], "nodes": [node["html"] for node in it["nodes"]]} for it in found["violations"]]
        return {"violations": rules, "passes": len(found["passes"])}

    def step_blocked(self, _):
        self.page.evaluate("() => { const it = document.createElement('script'); it.textContent = 'window.ran = 1'; document.body.append(it) }")
        return {"told": self.blocked, "ran": self.page.evaluate("() => window.ran === 1")}

    def step_status(self, _):
        return self.status

    def step_scan(self, _):
        posts = 0
        for filling in ["", "scanner@example.com", "1234", "ABCD-EFGH"]:
            buttons = self.page.locator("button").count()
            for button in range(buttons):
                self.page.goto(self.job["url"], wait_until="load")
                if self.page.locator("form").count() == 0:
                    continue
                self.page.evaluate("() => { for (const form of document.forms) form.noValidate = true }")
                for field in self.page.locator("input:not([type=hidden])").all():
                    field.fill(filling)
                with self.page.expect_navigation(wait_until="load"):
                    self.page.locator("button").nth(button).click()
                posts += 1
            self.page.goto(self.job["url"], wait_until="load")
        with self.page.expect_navigation(wait_until="load"):
            self.page.evaluate("() => { for (const form of document.forms) form.submit() }")
        return posts + 1


def main():
    job = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=job["chromium"], headless=True, chromium_sandbox=False, args=FLAGS, env={**os.environ, "HOME": profile}
        )
        visit = Visit(job, browser, any("axe" in step for step in job["steps"]))
        results = [visit.step(step) for step in job["steps"]]
        browser.close()
    json.dump(results, sys.stdout)


main()
