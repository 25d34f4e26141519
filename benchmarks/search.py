"""How long a gallery of many references takes to search: first load, query, refresh after one more enrollment.

    python benchmarks/search.py [--references 1000000] [--dimension 256] [--per-identity 4]

The database is filled straight with synthetic references (random unit vectors, no crops) in a temporary folder, since
enrolling a million people one by one would take an hour and measure something else. Everything after that is what
the app does.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from biometric.entities import NewReference, Template
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.transactions import GalleryTransactions

MODEL = "synthetic"
WHEN = "2026-01-01T00:00:00+00:00"


def unit_rows(rng: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    """(count, dimension) float32 random directions."""
    rows = rng.standard_normal((count, dimension), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def rows_of(references: int, dimension: int, per_identity: int) -> Iterator[tuple[object, ...]]:
    """Yield the stored form of synthetic references, made in blocks to bound memory."""
    rng = np.random.default_rng(0)
    for start in range(0, references, 10_000):
        for offset, vector in enumerate(unit_rows(rng, min(10_000, references - start), dimension)):
            identity = 1 + (start + offset) // per_identity
            yield uuid4().hex, identity, 1, uuid4().hex, 0, 9, WHEN, 1, MODEL, vector.tobytes()


def fill(folder: Path, references: int, dimension: int, per_identity: int) -> None:
    """Write the synthetic gallery in one transaction."""
    people = ((f"{n:032x}", f"Person {n}", f"person {n}", WHEN, WHEN) for n in range(-(-references // per_identity)))
    with GalleryTransactions(folder, 10.0).writing() as write:
        sql = "INSERT INTO identities (id, name, name_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
        write.db.conn.executemany(sql, people)
        write.db.execute("INSERT INTO clips (digest, name) VALUES ('', 'synthetic')")
        write.db.conn.executemany(
            "INSERT INTO biometric_references (id, identity_number, clip_number, folder, first_frame, last_frame, "
            "created_at, sample_count, model_id, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows_of(references, dimension, per_identity),
        )


def timed(label: str, work: Callable[[], object], repeat: int = 1) -> None:
    """Run `work` and print its best time."""
    best = min(_seconds(work) for _ in range(repeat))
    print(f"{label:<52}{best * 1000:>12.1f} ms", flush=True)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--references", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--per-identity", type=int, default=4)
    options = parser.parse_args()
    rng = np.random.default_rng(1)

    def probe() -> Template:
        return Template(unit_rows(rng, 1, options.dimension)[0], MODEL, 1)

    with tempfile.TemporaryDirectory() as folder:
        gallery = SQLiteGallery(Path(folder))
        print(f"{options.references:,} references of {options.dimension} numbers, {options.per_identity} a person")
        timed(
            "fill the database", lambda: fill(Path(folder), options.references, options.dimension, options.per_identity)
        )
        timed("first search (reads all vectors)", lambda: gallery.search(probe(), 5))
        timed("search, best of 10", lambda: gallery.search(probe(), 5), 10)
        new = probe()
        other = SQLiteGallery(Path(folder))  # as another process would
        timed("enroll one more", lambda: other.enroll("New", NewReference(new, (), "", "new", 0, 9)))
        timed("search after it (refreshes by what changed)", lambda: gallery.search(new, 5))
        if gallery.search(new, 1)[0].identity.name != "New":
            raise SystemExit("the refreshed index does not find the new person")
        timed("find by name", lambda: other.find("Person 7"), 5)
        timed("remove one", lambda: other.remove(other.find("New").id))
        timed("search after it", lambda: gallery.search(new, 5))
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
