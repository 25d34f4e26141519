"""`python -m biometric train distill`: a small network learns the embeddings of a large one."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.common import DONE, run, show
from biometric.cli.train.common import add_schedule, begun_network, card, device_of, input_form, plan_of, settings_of
from biometric.errors import InvalidSetting
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.training.crops.store import Crops
    from biometric.training.distill import Distillation
    from biometric.training.lessons import Recipe
    from biometric.training.runs import RunFolder


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    made = subcommands.add_parser(
        "distill",
        help="teach a small embedder what a large one knows",
        description="Train a small embedder to give the embeddings of another one (the teacher) on unlabelled crops.",
    )
    made.add_argument("crops", type=Path, nargs="+", metavar="CROPS", help="sets made by `train crops`, or folders")
    made.add_argument("--held-back", type=Path, required=True, metavar="CROPS", help="crops that only judge")
    made.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    made.add_argument("--resume", action="store_true", help="go on with the run that is there")
    made.add_argument("--teacher", metavar="CARD", help="a card's name or a file (default: the app's embedder)")
    made.add_argument("--student", default="resnet14_placed", metavar="NAME", help="default: resnet14_placed")
    made.add_argument("--from", dest="begin", default="scratch", metavar="WEIGHTS", help="a run or a .safetensors")
    made.add_argument("--height", type=int, default=256, metavar="PIXELS", help="of the student's input (default: 256)")
    made.add_argument("--width", type=int, default=128, metavar="PIXELS", help="of the student's input (default: 128)")
    made.add_argument("--views", type=int, default=4, metavar="N", help="fixed views of each crop (default: 4)")
    made.add_argument("--live", action="store_true", help="the teacher looks at every picture, at each step: for GPUs")
    made.add_argument("--mix", type=float, default=0.5, metavar="P", help="share blended of two (--live; default: 0.5)")
    made.add_argument("--passes", type=int, default=1, metavar="N", help="times an epoch shows a crop (default: 1)")
    made.add_argument("--relation", type=float, default=1.0, metavar="X", help="weight of comparison scores")
    add_schedule(made, epochs=30, batch=64, rate=2e-3)
    made.add_argument("--licence", default="not stated", help="of the crops, for the card")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_distill)


def _distill(options: argparse.Namespace) -> int:
    from biometric.training.crops.joined import JoinedCrops
    from biometric.training.crops.store import open_crops
    from biometric.training.loop import fit
    from biometric.training.runs import RunFolder

    # Whatever is wrong with options and data is found before a run is begun: no folder is left behind.
    plan, recipe = plan_of(options), _recipe(options)
    if any(path.expanduser().resolve() == options.held_back.expanduser().resolve() for path in options.crops):
        raise InvalidSetting(
            f"--held-back {options.held_back} is learnt from, too. Name crops of other videos to judge by."
        )
    crops = JoinedCrops([open_crops(path.expanduser()) for path in options.crops])
    held_back = open_crops(options.held_back.expanduser())
    network = begun_network(options, options.student)
    folder = RunFolder(options.run.expanduser(), "distill", settings_of(options), options.resume)
    try:
        task, teacher = _taught(options, network, (crops, held_back), recipe, folder)
        run(fit(task, folder, plan))
        result = _judged(task, teacher, options.begin)
        folder.finish(result, _card(options, folder, result))
    finally:
        folder.close()
    text = (
        f"Mean cosine to {teacher} on {result['held_back']:,} held-back crops: {result['cosine']:.3f} "
        f"({_interval(result)}). The run is in {folder.folder}; next: "
        f"python -m biometric train export --run {folder.folder}"
    )
    show(options, result, text)
    return DONE


def _recipe(options: argparse.Namespace) -> "Recipe":
    from biometric.training.lessons import Recipe

    return Recipe(
        input_form(options),
        options.views,
        options.batch,
        options.relation,
        options.mix,
        options.passes,
        seed=options.seed,
        workers=options.workers,
    )


def _taught(
    options: argparse.Namespace, network: Any, sides: "tuple[Crops, Crops]", recipe: "Recipe", folder: "RunFolder"
) -> "tuple[Distillation, str]":
    """The task, with the teacher's answers or the teacher itself; the teacher's id."""
    from biometric.bootstrap import build_teachers
    from biometric.training.distill import Distillation
    from biometric.training.lessons import FixedLessons, Lessons, LiveLessons, teach

    crops, held_back = sides
    models = build_teachers(Settings.from_environment(None, embedder=options.teacher), options.live)
    try:
        teacher: Any = models.embedder()
        judged = run(teach(held_back, teacher, recipe, folder, "teacher-held-back", 1))[:, 0]
        lessons: Lessons
        if options.live:
            looking = teacher.network.to(device_of(options))
            lessons = LiveLessons(crops, looking, teacher.form, teacher.dimension, recipe)
        else:
            lessons = FixedLessons(crops, run(teach(crops, teacher, recipe, folder, "teacher", options.views)), recipe)
    finally:
        models.close()
    return Distillation(network, len(crops), lessons, (held_back, judged), recipe), teacher.model_id


def _judged(task: "Distillation", teacher: str, begun: str) -> dict[str, Any]:
    found = task.embed_held_back()
    cosines = task.cosines(found)
    interval = task.interval(cosines)
    return {
        "teacher": teacher,
        "began_from": begun,
        "held_back": len(cosines),
        "cosine": float(cosines.mean(dtype=float)),
        "cosine_interval": None if interval is None else [interval.low, interval.high],
        "scores": float(task.judge(0)["scores"]),
        "parameters": sum(value.numel() for value in task.network.parameters()),
    }


def _interval(result: dict[str, Any]) -> str:
    if result["cosine_interval"] is None:
        return "without an interval: all come from one picture or video"
    low, high = result["cosine_interval"]
    return f"95 % interval {low:.3f} to {high:.3f}, drawing whole pictures"


def _card(options: argparse.Namespace, folder: "RunFolder", result: dict[str, Any]) -> list[str]:
    return card(
        f"{options.student}, student of {result['teacher']}",
        folder,
        data=f"{', '.join(path.name for path in options.crops)} (licence of the data: {options.licence}); "
        f"held back: {options.held_back.name}",
        metrics=[
            f"mean cosine to the teacher on {result['held_back']:,} held-back crops: {result['cosine']:.3f} "
            f"({_interval(result)})",
            f"correlation of comparison scores with the teacher's: {result['scores']:.3f}",
        ],
        limits=[
            "It can be no better than its teacher, and shares its teacher's biases.",
            "A cosine to the teacher is no error rate: measure those with `python -m biometric evaluate`.",
        ],
    )
