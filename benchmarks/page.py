"""How soon the page answers, against an empty Gradio page on the same machine: from start, and once it runs.

python -m benchmarks.page
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
EMPTY = """
import gradio, os
with gradio.Blocks() as page:
    gradio.Markdown("Empty")
page.launch(server_port=int(os.environ["SIGHTLINE_PORT"]), quiet=True)
"""
ROUNDS = 3


@contextmanager
def served(command: list[str], folder: Path) -> Iterator[tuple[str, float]]:
    """Run a server; yield its address and the seconds from its start to its first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "SIGHTLINE_PORT": str(port),
        "SIGHTLINE_TEMP": str(folder / "temp"),
        "SIGHTLINE_GALLERY": str(folder / "gallery"),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/"
        while process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=5).read()
                break
            except OSError:
                time.sleep(0.02)
        yield url, time.perf_counter() - start
    finally:
        process.terminate()
        process.wait(20)


def answer_time(url: str) -> float:
    """Median seconds of a GET of the page."""
    times = []
    for _ in range(30):
        start = time.perf_counter()
        urllib.request.urlopen(url, timeout=10).read()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print both, and the ratios."""
    first: dict[str, list[float]] = {"empty": [], "sightline": []}
    later: dict[str, list[float]] = {"empty": [], "sightline": []}
    commands = {"empty": [sys.executable, "-c", EMPTY], "sightline": [sys.executable, "app.py"]}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory() as folder, served(command, Path(folder)) as (url, seconds):
                first[name].append(seconds)
                time.sleep(15)  # let models load, so that their work is not measured as the page's
                later[name].append(answer_time(url))
    for title, measured in (("first answer after start", first), ("answer once it runs", later)):
        empty, ours = statistics.median(measured["empty"]), statistics.median(measured["sightline"])
        print(f"{title}: empty {empty * 1000:.0f} ms, Sightline {ours * 1000:.0f} ms, ratio {ours / empty:.2f}")


if __name__ == "__main__":
    main()
