"""A model cannot be used, or a training run cannot begin or go on."""

from typing import Final

from biometric.errors.phrases import Phrase
from biometric.errors.root_error import BiometricError

INSTALL_TORCH: Final = Phrase(
    'pip install "sightline[torch]" (in a copy of the sources: pip install -r requirements.txt)'
)
"""How what the slim installation leaves out is added."""


class ModelError(BiometricError):
    """A model is missing, damaged or not the right one."""


class WeightsMissing(ModelError):
    """A weight file is absent and could not be fetched."""


class WeightsCorrupt(ModelError):
    """A weight file's checksum does not match, or it does not load."""


class UnsupportedModel(ModelError):
    """The file loads, but is not a model for this role."""


class ModelLibraryMissing(ModelError):
    """A library that the model needs, such as torch, is not installed; the message says how to install it."""


class ModelMismatch(ModelError):
    """Templates of two different models would be compared."""


class DeviceFailed(ModelError):
    """A graphics card stopped working, or its memory is full; the message says what to do."""


class TrainingError(BiometricError):
    """A training run cannot start or continue."""


class LibraryMissing(TrainingError):
    """A library of requirements-train.txt is not installed."""


class RunConflict(TrainingError):
    """The folder holds another run, or another process trains in it."""


class DataTooSmall(TrainingError):
    """There are too few people, pictures or crops for what was asked."""


class LossNotFinite(TrainingError):
    """The loss became infinite or not a number; the last good checkpoint is kept."""


class OutOfMemory(TrainingError):
    """The device's memory is full; the message says which setting to lower."""


class OutputsDiffer(TrainingError):
    """An exported file does not give what the trained network gives."""
