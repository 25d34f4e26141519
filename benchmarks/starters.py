"""Starter weights against the recommended ones: two Markdown tables, of detectors and of embedders.

    python -m benchmarks.starters                                    every card of the manifest whose files are there
    python -m benchmarks.starters --detector best.pt --embedder student.safetensors       these files, too

Detectors: AP50 on the validation photographs (interval: photographs are drawn), and `one-by-one.mp4` frame by frame and
as the app answers in the end. Embedders: the same clip's people by the app's own pipeline, agreement with
Open Model Zoo's 0286, and halves of the tracks of `street.mp4` (impostors: people seen at the same time). All embedders
work behind one detector, and all detectors before one embedder, so that rows compare.

Needs SIGHTLINE_SHARED (or ../shared) for clips, photographs and weights; says which cards it could not find.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import judged_detectors, judged_embedders
from benchmarks.judged_detectors import DetectorRow, Found
from benchmarks.judged_embedders import EmbedderRow, Material
from benchmarks.judging import EMPTY, OCCUPIED, ONE_BY_ONE, SHARED, STREET, Bench, Remembering
from biometric.entities.model_cards import Role
from biometric.errors import BiometricError
from biometric.evaluation.protocols import Estimate
from biometric.models.loading import load_detector
from biometric.models.store import ModelStore
from biometric.models.weights import WeightStore
from biometric.settings import Settings

DETECTOR, EMBEDDER = "yolov8n-int8", "omz-0286"
"""Before which embedders, and behind which detectors are measured; the embedder is also the teacher of starters."""

DETECTOR_HEAD = (
    "detector", "MB", "AP50", "recall from 0.4", "person found, from 0.4", "from 0.5", "in a track",
    "empty left empty, from 0.4", "from 0.5", "in no track", "people (3)", "ms a frame",
)  # fmt: skip
EMBEDDER_HEAD = (
    "embedder", "MB", "dimension", "ms a crop", "lowest same", "highest other", "margin", f"cosine to {EMBEDDER}",
    "EER", "d′", "FNMR",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """A model to measure: how to name it to the app, how to people, and its size."""

    name: str
    title: str
    megabytes: float


def models(role: Role, files: list[str]) -> tuple[list[Model], list[str]]:
    """The cards whose files are there, then files of one's own; and what is missing, in sentences."""
    weights = WeightStore.of_settings(Settings(models=SHARED / "models", offline=True))
    found, missing = [], []
    cards = sorted((card for card in weights.cards if card.role is role), key=lambda card: not card.starter)
    if not any(card.starter for card in cards):
        missing.append(f"The manifest has no card of a starter {role} yet.")
    for card in cards:
        located = weights.choose(role, card.id)
        if located.present and located.card is card:
            title = f"**{card.id}**" if card.starter else card.id
            found.append(Model(card.id, title, sum(file.size for file in card.files) / 1e6))
        else:
            missing.append(f"{card.id} is not measured: {card.files[0].name} is not in models/ or {SHARED / 'models'}.")
    for file in files:
        try:
            card = weights.choose(role, file).card
            found.append(Model(file, f"`{Path(file).name}`", sum(part.size for part in card.files) / 1e6))
        except BiometricError as error:
            missing.append(str(error))
    return found, missing


def table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    """A Markdown table: the first column to the left, all others to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(head), rule, *rows])


def detectors(bench: Bench, files: list[str], limit: int | None) -> str:
    """The table of detectors."""
    found, notes = models(Role.DETECTOR, files)
    embedder = judged_embedders.load(bench, EMBEDDER)
    rows = []
    for model in found:
        print(f"Measuring {model.name} …", file=sys.stderr)
        try:
            row = judged_detectors.judge(bench, model.name, embedder, EMBEDDER, limit)
        except BiometricError as error:
            notes.append(f"{model.name} is not measured: {error}")
            continue
        rows.append([model.title, f"{model.megabytes:.1f}", *detector_cells(row)])
    notes.insert(0, f"Somebody stands in {len(OCCUPIED)} of the frames that count, {len(EMPTY)} are empty.")
    return "\n".join([table(DETECTOR_HEAD, rows), "", *notes])


def detector_cells(row: DetectorRow) -> list[str]:
    """Return the measured cells of a row, as text."""

    def shares(side: str) -> list[str]:
        values: list[Found] = [row.starting, row.sure, row.kept]
        return [f"{getattr(each, side):.1%}" for each in values]

    averages = [_estimate(each) for each in (row.ap50, row.recall)]
    return [*averages, *shares("occupied"), *shares("empty"), str(row.people), f"{row.milliseconds:.1f}"]


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None or estimate.interval is None:
        return "—"
    return f"{estimate.value:.3f} ({estimate.interval.low:.3f}–{estimate.interval.high:.3f})"


def embedders(bench: Bench, files: list[str]) -> str:
    """The table of embedders."""
    found, notes = models(Role.EMBEDDER, files)
    detector = ModelStore(bench.settings(detector=DETECTOR), load_detector=load_detector).detector()
    teacher = judged_embedders.load(bench, EMBEDDER)
    print("Following the people of the street …", file=sys.stderr)
    street = judged_embedders.street(bench, Remembering(detector), teacher, EMBEDDER)
    crops = judged_embedders.photograph_crops(bench)
    seen = judged_embedders.embed(teacher, crops) if crops else None
    material = Material(Remembering(detector), street, crops, seen)
    rows = []
    for model in found:
        print(f"Measuring {model.name} …", file=sys.stderr)
        try:
            embedder = judged_embedders.load(bench, model.name)
            row = judged_embedders.judge(bench, model.name, embedder, material)
        except BiometricError as error:
            notes.append(f"{model.name} is not measured: {error}")
            continue
        rows.append([model.title, f"{model.megabytes:.1f}", *embedder_cells(row)])
        errors = row.errors
    if rows:
        notes.insert(
            0,
            f"Street: {errors.genuine} tracks, one half against the other; {errors.impostor} pairs of people seen at "
            f"the same time, which count for {errors.independent} independent ones. FNMR is at the threshold that none "
            f"of them reaches: FMR is below {errors.fmr:.2g} there. Cosines: {len(crops)} crops of photographs.",
        )
    return "\n".join([table(EMBEDDER_HEAD, rows), "", *notes])


def embedder_cells(row: EmbedderRow) -> list[str]:
    """Return the measured cells of a row, as text."""

    def number(value: float | None) -> str:
        return "—" if value is None else f"{value:.3f}"

    margin = None if row.same is None or row.other is None else row.same - row.other
    missed = row.errors.fnmr
    rate = f"{missed.value:.3f} ({missed.interval.low:.3f}–{missed.interval.high:.3f})"
    scores = [number(value) for value in (row.same, row.other, margin, row.cosine)]
    apart = [f"{row.errors.eer:.2%}", f"{row.errors.d_prime:.2f}"]
    return [str(row.dimension), f"{row.milliseconds:.1f}", *scores, *apart, rate]


def main() -> None:
    """Run what was asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--detector", action="append", default=[], metavar="FILE", help="measure this file, too")
    options.add_argument("--embedder", action="append", default=[], metavar="FILE", help="measure this file, too")
    options.add_argument("--only", choices=("detectors", "embedders"), help="one table only")
    options.add_argument("--photographs", type=int, metavar="N", help="at most so many for AP50 (default: all)")
    options.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    chosen = options.parse_args()
    absent = [str(path) for path in (ONE_BY_ONE, STREET) if not path.is_file()]
    if absent:
        sys.exit(f"{' and '.join(absent)} are not there. Set SIGHTLINE_SHARED to the folder of clips and weights.")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), chosen.device)
        try:
            if chosen.only != "embedders":
                print(detectors(bench, chosen.detector, chosen.photographs), flush=True)
            if chosen.only != "detectors":
                print("", embedders(bench, chosen.embedder), sep="\n")
        except BiometricError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
