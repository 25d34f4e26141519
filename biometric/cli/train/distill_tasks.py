"""What `train distill` builds: the teacher, where crops lie, and the task."""

import argparse
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import run
from biometric.cli.train.training_options import device_of
from biometric.errors import InvalidSetting
from biometric.settings import Settings

if TYPE_CHECKING:
    import torch

    from biometric.training.crops.crop_records import Crops
    from biometric.training.distillation import Distillation
    from biometric.training.distillation_targets import DistillationConfig, DistillationTargets
    from biometric.training.live_targets import LiveTeacher
    from biometric.training.runs import RunFolder

_TRIAL_CROPS = 64


def build_task(
    options: argparse.Namespace,
    network: Any,
    crop_sets: "tuple[Crops, Crops]",
    config: "DistillationConfig",
    folder: "RunFolder",
) -> "tuple[Distillation, str]":
    """Return the task, with the teacher's embeddings or the teacher itself, and the teacher's id.

    Raises:
        InvalidSetting: options that do not go together.
        OutOfMemory: the device cannot hold the crops.
        ModelError, StorageFull, RunConflict: see `embed_teacher` and `ModelStore`.
    """
    from biometric.bootstrap import build_teachers
    from biometric.training.distillation import Distillation
    from biometric.training.distillation_targets import DistillationTargets, FixedTargets, embed_teacher
    from biometric.training.live_targets import LiveTeacher

    crops, held_back = crop_sets
    models = build_teachers(Settings.from_environment(None, embedder=options.teacher), options.live)
    try:
        teacher: Any = models.embedder()
        held_back_targets = run(embed_teacher(held_back, teacher, config, folder, "teacher-held-back", 1))[:, 0]
        targets: DistillationTargets
        if options.live:
            live = LiveTeacher(teacher.network.to(device_of(options)), teacher.form, teacher.dimension)
            targets = _live_targets(options, crops, _in_half(options, live, held_back), config)
        else:
            embeddings = run(embed_teacher(crops, teacher, config, folder, "teacher", options.views))
            targets = FixedTargets(crops, embeddings, config)
    finally:
        models.close()
    return Distillation(network, len(crops), targets, (held_back, held_back_targets), config), teacher.model_id


def crops_on_device(options: argparse.Namespace, count: int, size: tuple[int, int], device: "torch.device") -> bool:
    """Whether crops are to lie on the device: as --crops-on says, or for "auto" on a GPU whose memory is enough.

    Raises:
        OutOfMemory: "device", and its memory is too small.
    """
    from biometric.training.resident_crops import check_fits, fits_on_device

    if options.crops_on == "device":
        check_fits(count, size, device)
        return True
    return bool(options.crops_on == "auto" and device.type == "cuda" and fits_on_device(count, size, device))


def check_crops_on(options: argparse.Namespace) -> None:
    """Refuse --crops-on without a living teacher. Raises `InvalidSetting`."""
    if options.crops_on == "device" and not options.live:
        raise InvalidSetting("--crops-on device needs --live: fixed views are made by processes. Add --live.")


def _in_half(options: argparse.Namespace, teacher: "LiveTeacher", crops: "Crops") -> "LiveTeacher":
    """The teacher in half precision, where the device has it and the teacher's answers stay the same."""
    import torch

    from biometric.training.live_targets import choose_precision
    from biometric.training.resident_crops import first_pictures

    device = torch.device(device_of(options))
    if device.type != "cuda" and not options.half:
        return teacher
    pictures = first_pictures(crops, _TRIAL_CROPS, teacher.size, device)
    return choose_precision(teacher, pictures, torch.float16 if device.type == "cuda" else torch.bfloat16)


def _live_targets(
    options: argparse.Namespace, crops: "Crops", teacher: "LiveTeacher", config: "DistillationConfig"
) -> "DistillationTargets":
    import torch

    from biometric.training.live_targets import OnlineTargets, ResidentTargets
    from biometric.training.resident_crops import load_resident

    device = torch.device(device_of(options))
    if not crops_on_device(options, len(crops), teacher.size, device):
        return OnlineTargets(crops, teacher, config)
    torch.backends.cudnn.benchmark = True  # all batches have one size
    return ResidentTargets(run(load_resident(crops, teacher.size, device)), teacher, config)
