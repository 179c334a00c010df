"""
`make docs-browser`: a real browser opens every page of the built site, wide and narrow, light and dark.

Ends with 0 only when no page is wider than its window, cuts something off, or is hard to read.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page

from dev.browser import axe
from dev.browser.window import NoBrowser, Theme, browser

CHECKOUT: Final = Path(__file__).resolve().parents[2]
SITE: Final = CHECKOUT / ".cache" / "site"
PICTURES: Final = CHECKOUT / ".cache" / "site-pictures"
#: Of a telephone, a tablet and a desktop, in pixels.
WIDTHS: Final = (390, 800, 1400)
HEIGHT: Final = 900
#: Returns what is wrong with the layout of a page, a line each.
_LAYOUT: Final = """() => {
  const found = [], faulty = new Set(), width = document.documentElement.clientWidth
  const say = (what, e) => {
    // of elements inside each other, one
    const isNew = !faulty.has(e.parentElement)
    faulty.add(e)
    if (isNew) found.push(`${what}: ${e.outerHTML.replace(/\\s+/g, ' ').slice(0, 120)}`)
  }
  // spaces at the end of a wrapped line reach out, unseen
  const isSeen = e => e.checkVisibility() && (e.textContent.trim() || ['IMG', 'PRE'].includes(e.tagName))
  const inner = [...document.querySelectorAll('article *')].filter(isSeen)
  const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
  const isInScroller = e => {
    for (let up = e.parentElement; up && up.tagName !== 'ARTICLE'; up = up.parentElement)
      if (scrolls(up) && up.scrollWidth > up.clientWidth) return true
    return false
  }
  if (document.documentElement.scrollWidth > width) say('wider than the window', document.body)
  for (const e of inner) {
    if (e.getBoundingClientRect().right > width + 1 && !isInScroller(e)) say('reaches out of the window', e)
    if (e.scrollWidth > e.clientWidth + 1 && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX)
        && !e.closest('.headerlink')) say('is cut off', e)
    if (e.tagName === 'PRE' && !e.textContent.trim()) say('is empty', e)
    if (e.tagName === 'TD' && e.textContent.length > 40 && e.clientWidth < 100) say('is squeezed', e)
  }
  return found
}"""
#: Returns what is wrong with the images of a page.
_IMAGES: Final = """async () => {
  const found = []
  for (const image of document.querySelectorAll('article img')) {
    image.loading = 'eager'
    const say = what => found.push(`${what}: ${image.getAttribute('src')}`)
    try { await image.decode() } catch { say('image cannot be loaded'); continue }
    if (!image.alt) say('image without a text')
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 64
    const context = canvas.getContext('2d')
    context.drawImage(image, 0, 0, 64, 64)
    const isClear = context.getImageData(0, 0, 64, 64).data.some((value, index) => index % 4 === 3 && value < 128)
    const background = getComputedStyle(image).backgroundColor
    if (isClear && background === 'rgba(0, 0, 0, 0)') say('image without a background of its own')
  }
  return found
}"""
_AXE: Final = """async () => (await axe.run('article', {runOnly: ['wcag2a', 'wcag2aa']})).violations"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yields its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def pages(site: Path, only: Sequence[str]) -> list[str]:
    """Return the pages of the site, or those of them that have one of the words in their path."""
    every = sorted(file.relative_to(site).as_posix() for file in site.rglob("*.html"))
    return [page for page in every if not only or any(word in page for word in only)]


def faults(page: Page) -> list[str]:
    """Return what is wrong with the page that is open, at each width."""
    found = [f"image: {line}" for line in page.evaluate(_IMAGES)]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{width} px: {line}" for line in page.evaluate(_LAYOUT)]
    page.evaluate(axe.source())
    for one in page.evaluate(_AXE):
        found.append(f"{one['id']}: {len(one['nodes'])}, as {[node['html'][:120] for node in one['nodes'][:2]]}")
    return found


def take(page: Page, folder: Path, theme: Theme) -> None:
    """Save a picture of the whole page at each width."""
    folder.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.screenshot(path=folder / f"{width}-{theme}.png", full_page=True, animations="disabled")


def run(words: Sequence[str], with_pictures: bool) -> int:
    """Open the pages; print and count what is wrong."""
    count = 0
    with serve(SITE) as url, browser() as running:
        for theme in get_args(Theme):
            context = running.new_context(color_scheme=theme, viewport={"width": WIDTHS[-1], "height": HEIGHT})
            page = context.new_page()
            for name in pages(SITE, words):
                page.goto(f"{url}/{name}")
                found = faults(page)
                count += len(found)
                for line in found:
                    print(f"{name}, {theme}: {line}", flush=True)
                if with_pictures:
                    take(page, PICTURES / name.removesuffix(".html"), theme)
            context.close()
    return count


def main() -> int:
    """Run, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make docs-browser", description="Check the site with a real browser.")
    parser.add_argument("words", nargs="*", help="only pages with one of these in their path")
    parser.add_argument("--pictures", action="store_true", help=f"save a picture of each in {PICTURES}")
    options = parser.parse_args()
    try:
        count = run(options.words, options.pictures)
    except (axe.NoAxe, NoBrowser, BrowserError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} faults" if count else "No page has a fault.")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
