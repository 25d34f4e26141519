"""Kill writers of a gallery at random moments and see that nothing acknowledged is lost and nothing half-done is left.

    python -m tests.trust.kills --count 200 [--seed 1]

A process enrolls, renames, removes, brings back, erases, exports, imports and backs up, and says each operation that
came back. It is killed (SIGKILL) at a random moment; then the gallery is compared with what was said: every operation
that was acknowledged stands, the one under way is done or not, rows and files agree, and the audit trail is intact.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from biometric.errors import BiometricError
from biometric.gallery.repository import SQLiteGallery
from tests.conftest import PROJECT
from tests.lawful import give_galleries_a_default
from tests.made_galleries import check, reference

People = dict[str, int]
"""How many references everybody has, by name."""

_MOST_SECONDS = 1.5
"""After the first operation, a writer is killed within this time."""


def write_for_ever(folder: Path, seed: int, people: People) -> None:
    """Change a gallery until somebody ends this process; each line says what is about to be, then what is."""
    give_galleries_a_default()
    gallery, chance = SQLiteGallery(folder / "gallery"), random.Random(seed)
    for number in range(1_000_000):
        action, after = _choose(chance, people, f"{seed}-{number}")
        print(json.dumps({"trying": action[0], "after": after}), flush=True)
        _do(gallery, folder, seed * 100_000 + number, action)
        people = after
        print(json.dumps({"done": action[0]}), flush=True)


def _choose(chance: random.Random, people: People, new: str) -> tuple[list[str], People]:
    """Return an operation with its names, and how the people are after it."""
    name = chance.choice([*people, ""]) if people else ""
    kind = chance.choice(["enroll", "add", "rename", "remove", "erase", "undone", "export", "import", "backup"])
    if not name or kind == "enroll":
        return ["enroll", f"Person {new}"], {**people, f"Person {new}": 1}
    if kind == "add":
        return ["add", name], {**people, name: people[name] + 1}
    rest = {other: count for other, count in people.items() if other != name}
    if kind == "rename":
        return ["rename", name, f"Called {new}"], {**rest, f"Called {new}": people[name]}
    if kind in ("remove", "erase"):
        return [kind, name], rest
    if kind == "import":
        return ["import", f"Guest {new}"], {**people, f"Guest {new}": 1}
    return [kind, name], people


def _do(gallery: SQLiteGallery, folder: Path, seed: int, action: list[str]) -> None:
    kind, name, *rest = action
    match kind:
        case "enroll" | "add":
            gallery.enroll(name, reference(folder / "crops", seed))
        case "rename":
            gallery.rename(gallery.find(name).id, rest[0])
        case "remove":
            gallery.remove(gallery.find(name).id)
        case "undone":
            gallery.remove(gallery.find(name).id)
            gallery.undo()
        case "erase":
            gallery.erase(gallery.find(name).id)
        case "export":
            gallery.export(folder / "export.zip")
        case "backup":
            gallery.backups.back_up(folder / "backup.zip")
        case "import":
            guest = SQLiteGallery(folder / f"guest-{seed}")
            guest.enroll(name, reference(folder / "crops", seed))
            gallery.import_(guest.export(folder / "guest.zip"))


def kill_once(folder: Path, seed: int, people: People) -> tuple[People, int, list[str]]:
    """Run a writer, kill it, and compare; return the people now, how many operations stood, and what was wrong."""
    arguments = [sys.executable, "-m", "tests.trust.kills", "--write", str(folder), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    writer = subprocess.Popen(
        [*arguments, "--people", json.dumps(people)], stdout=subprocess.PIPE, text=True, env=environment, cwd=PROJECT
    )
    assert writer.stdout is not None
    lines = [writer.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0, _MOST_SECONDS))
    writer.send_signal(signal.SIGKILL)
    lines += writer.communicate()[0].splitlines()
    told = [json.loads(line) for line in lines if line.endswith(("}", "}\n"))]
    tried = [item for item in told if "trying" in item]
    done = sum("done" in item for item in told)
    before = tried[done - 1]["after"] if done else people
    possible = [before] + ([tried[done]["after"]] if len(tried) > done else [])
    if len(tried) > done and tried[done]["trying"] == "undone":  # removed, and not yet brought back
        possible += [{other: n for other, n in before.items() if other != name} for name in before]
    wrong: list[str] = []
    gallery = SQLiteGallery(folder / "gallery")
    try:
        gallery.sweep_copies()
        with gallery.transactions.writing():
            pass
        found = check(gallery)
        if found not in possible:
            wrong.append(f"seed {seed}: {found} is none of {possible}")
        if not gallery.audit.verify().intact:
            wrong.append(f"seed {seed}: the audit trail is not intact")
    except (AssertionError, BiometricError) as error:
        wrong.append(f"seed {seed}: {error!r}")
        return before, done, wrong
    left = [path for path in folder.iterdir() if path.name.endswith(".partial")]
    wrong += [f"seed {seed}: left {path.name}" for path in left]
    return found, done, wrong


def attack(count: int, seed: int) -> tuple[int, Counter[str], list[str]]:
    """Kill `count` writers; return how many operations were acknowledged, a tally, and what was wrong."""
    people: People = {}
    acknowledged, tally, failures = 0, Counter[str](), list[str]()
    with tempfile.TemporaryDirectory() as made:
        for number in range(count):
            people, done, wrong = kill_once(Path(made), seed * 10_000 + number, people)
            acknowledged += done
            tally["wrong" if wrong else "right"] += 1
            failures += wrong
            for path in Path(made).glob("guest*"):
                shutil.rmtree(path, ignore_errors=True)
    return acknowledged, tally, failures


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Kill writers of a gallery and see what is left.")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--people", type=json.loads, default={}, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write is not None:
        write_for_ever(options.write, options.seed, options.people)
    acknowledged, tally, failures = attack(options.count, options.seed)
    print(f"{sum(tally.values())} kills, {acknowledged} acknowledged operations, {len(failures)} failures")
    print("\n".join(failures))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
