"""How long a gallery of many references takes to search: loading, query, refresh after one more enrollment, memory.

    python benchmarks/search.py [--references 1000000] [--dimension 256] [--per-identity 4] [--folder KEPT]

Measured twice, in processes of their own: with exact vectors in memory, and as the application does by default. Queries
alternate with those of FAISS alone, which holds the same vectors in the same form.

The database is filled straight with synthetic references (random unit vectors, no crops) in a temporary folder, since
enrolling a million people one by one would take an hour and measure something else. Everything after that is what
the app does.
"""

import argparse
import functools
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import faiss
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from biometric.entities import EnrollmentBasis, GivenBasis, LegalBasis, NewReference, Template
from biometric.gallery.records import current_time
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.search import COMPACT_ABOVE
from biometric.gallery.transactions import GalleryTransactions

MODEL = "synthetic"
ROUNDS = 15
WHEN = "2026-01-01T00:00:00+00:00"

GIVEN = GivenBasis(EnrollmentBasis(LegalBasis.OTHER, "a benchmark"))


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
    with GalleryTransactions(folder, 10.0, timedelta(days=30), current_time).writing() as write:
        sql = "INSERT INTO identities (id, name, name_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
        write.db.conn.executemany(sql, people)
        write.db.execute("INSERT INTO clips (digest, name) VALUES ('', 'synthetic')")
        write.db.conn.executemany(
            "INSERT INTO biometric_references (id, identity_number, clip_number, folder, first_frame, last_frame, "
            "created_at, sample_count, model_id, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows_of(references, dimension, per_identity),
        )


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def say(label: str, milliseconds: float, note: str = "") -> None:
    """Print one line of the table."""
    print(f"{label:<52}{milliseconds:>12.1f} ms  {note}", flush=True)


def bare_index(folder: Path, dimension: int, compact: bool) -> faiss.Index:
    """FAISS alone with the gallery's vectors, of the kind that the application would use."""
    index = faiss.IndexFlatIP(dimension)
    if compact:
        index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    with closing(sqlite3.connect(folder / "gallery.sqlite3")) as connection:
        rows = connection.execute("SELECT vector FROM biometric_references ORDER BY number")
        while chunk := rows.fetchmany(10_000):
            index.add(np.frombuffer(b"".join(row[0] for row in chunk), "<f4").reshape(-1, dimension))
    return index


def measure(folder: Path, references: int, dimension: int, compact_above: int) -> None:
    """Measure one kind of index on a filled gallery, in a process of its own so that its peak memory is known."""
    rng = np.random.default_rng(1)

    def probe() -> Template:
        return Template(unit_rows(rng, 1, dimension)[0], MODEL, 1)

    empty = memory()
    gallery = SQLiteGallery(folder, compact_above=compact_above)
    steps = 0

    def load() -> None:
        nonlocal steps
        steps = sum(1 for _ in gallery.load_search())

    loaded = seconds(load)
    say("load the index from the database", loaded * 1000, f"{steps} steps of progress")
    gallery.search(probe(), 5)
    vectors = references * dimension * 4 / 2**20
    peak = memory()
    other = SQLiteGallery(folder)  # as another process would
    new = probe()
    say(
        "enroll one more",
        seconds(lambda: other.enroll("New", NewReference(new, (), "", "new", 0, 9, given=GIVEN))) * 1000,
    )
    say("search after it (refreshes by what changed)", seconds(lambda: gallery.search(new, 5)) * 1000)
    if gallery.search(new, 1)[0].identity.name != "New":
        raise SystemExit("the refreshed index does not find the new person")
    say("remove one", seconds(lambda: other.remove(other.find("New").id)) * 1000)
    say("search after it", seconds(lambda: gallery.search(new, 5)) * 1000)
    peak_after = memory()
    compact = references > compact_above
    bare = bare_index(folder, dimension, compact)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        template = probe()
        ours.append(seconds(functools.partial(gallery.search, template, 5)))
        theirs.append(seconds(functools.partial(bare.search, template.vector[np.newaxis], 5)))
    ratio = np.median(ours) / np.median(theirs)
    say("search, median", float(np.median(ours)) * 1000)
    say(f"bare FAISS, {'float16' if compact else 'float32'}, median", float(np.median(theirs)) * 1000)
    print(f"search / bare FAISS: {ratio:.2f}")
    print(
        f"peak memory: {peak:,.0f} MiB after the first search, {peak_after:,.0f} after changes ({empty:,.0f} before "
        f"loading): {peak_after / vectors:.2f} x the {vectors:,.0f} MiB of the vectors as stored"
    )


def memory() -> float:
    """Peak memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--references", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--per-identity", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="a gallery that this made before; it is kept")
    parser.add_argument("--compact-above", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.compact_above is not None:
        measure(options.folder, options.references, options.dimension, options.compact_above)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        print(f"{options.references:,} references of {options.dimension} numbers, {options.per_identity} a person")
        if not (folder / "gallery.sqlite3").exists():
            folder.mkdir(parents=True, exist_ok=True)
            filled = seconds(lambda: fill(folder, options.references, options.dimension, options.per_identity))
            say("fill the database", filled * 1000)
        for title, above in (("exact vectors in memory", 1 << 60), ("by default", COMPACT_ABOVE)):
            print(f"\n{title}:", flush=True)
            arguments = ["--folder", folder, "--references", options.references, "--dimension", options.dimension]
            command = [sys.executable, __file__, *map(str, arguments), "--compact-above", str(above)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
