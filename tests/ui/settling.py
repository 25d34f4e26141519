"""Waits until a page has the answers to everything that it has sent, instead of for a time that is hoped to be enough.

An upload, a tab or a change starts events of Gradio's; until their answers are there, they may put a field back or
draw a place anew under the mouse.
"""

import time
from typing import Any

FOLLOW_EVENTS = """(() => {
  const waiting = new Map();  // events without an answer: when they were sent
  const ended = new Set();    // an answer may be faster than the number of its event
  const real = window.fetch;
  let sending = 0;
  let last = 0;
  const note = () => { last = performance.now(); };

  const follow = async (body) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\\n');
      rest = lines.pop();
      for (const line of lines) {
        const start = line.slice(0, 400);
        if (start.includes('"close_stream"')) return void reader.cancel();
        if (!start.includes('"process_completed"')) continue;
        const id = start.match(/"event_id": ?"([^"]+)"/)?.[1];
        waiting.delete(id);
        ended.add(id);
        note();
      }
    }
  };

  window.fetch = async (...request) => {
    const address = request[0]?.url ?? String(request[0]);
    if (address.includes('/queue/data')) {
      const response = await real(...request);
      if (response.body) follow(response.clone().body).catch(() => {});
      return response;
    }
    if (!address.includes('/queue/join')) return real(...request);
    sending += 1;
    note();
    try {
      const response = await real(...request);
      const id = (await response.clone().json().catch(() => ({}))).event_id;
      if (id && !ended.has(id)) waiting.set(id, performance.now());
      return response;
    } finally {
      sending -= 1;
      note();
    }
  };

  window.atRest = ([quiet, patience, most]) => new Promise((resolve) => {
    const start = performance.now();
    const look = () => {
      const now = performance.now();
      const busy = sending || now - last < quiet || [...waiting.values()].some((sent) => now - sent < patience);
      if (busy && now - start < most) setTimeout(look, 20);
      else requestAnimationFrame(() => setTimeout(resolve, 0));
    };
    requestAnimationFrame(() => setTimeout(look, 50));  // what was just pressed has sent its event by then
  });
})()"""
"""A script to start with; `atRest` then waits."""

QUIET = 100
"""Milliseconds without any event after which nothing more follows."""
PATIENCE = 3_000
"""Milliseconds after which an event without an answer is taken for work that goes on, such as reading a clip."""
CALM = 400
"""Milliseconds of rest after that, as somebody takes to look: two answers about one part may cross."""
MOST = 10_000
"""Milliseconds after which the waiting ends anyhow."""


def wait_until_settled(page: Any) -> None:
    """Wait until the answers to what the page has sent are there and drawn; work that goes on is not waited for.

    Args:
        page: Of Playwright, loaded with the script `FOLLOW_EVENTS`.
    """
    page.evaluate("(times) => window.atRest(times)", [QUIET, PATIENCE, MOST])
    page.wait_for_timeout(CALM)


def comes_to(page: Any, script: str, wanted: object, argument: object = None) -> None:
    """Wait until a script's value is the wanted one, as while the page scrolls smoothly; fail where it stays another.

    Args:
        page: Of Playwright.
        script: An expression or a function of `argument`.
        wanted: The value.
        argument: For the function.
    """
    end = time.monotonic() + MOST / 1000
    while (value := page.evaluate(script, argument)) != wanted and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert value == wanted


def focused(page: Any, key: str) -> None:
    """Wait until the keyboard is at a place, by its `data-key`."""
    page.wait_for_function("key => document.activeElement.dataset.key === key", arg=key)
