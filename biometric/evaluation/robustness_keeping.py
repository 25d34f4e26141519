"""Keeps what pixels and blur cost a model beside its weights, for answers to tell."""

from pathlib import Path

import numpy as np

from biometric.entities.robustness import PEOPLE_NEEDED
from biometric.errors import DatasetInvalid
from biometric.evaluation.datasets.dataset import Dataset
from biometric.evaluation.evaluating import Evaluation
from biometric.evaluation.result_files import EvaluationMetadata
from biometric.models.robustness_files import write_robustness


def check_people(dataset: Dataset) -> None:
    """Refuse a data set by which no row could be told, before hours are spent on it.

    Raises:
        DatasetInvalid: fewer than `PEOPLE_NEEDED` people were seen by two cameras or more.
    """
    judged = np.union1d(dataset.probes, dataset.references).astype(np.int64)
    judged = judged[dataset.identities[judged] >= 0]
    seen = np.unique(np.stack([dataset.identities[judged], dataset.cameras[judged]], axis=1), axis=0)
    people = int((np.unique(seen[:, 0], return_counts=True)[1] >= 2).sum()) if len(seen) else 0
    if people < PEOPLE_NEEDED:
        raise DatasetInvalid(
            f"{dataset.name} shows {people} people by two cameras or more; a table that answers tell needs "
            f"{PEOPLE_NEEDED}. Leave --store out, or name a larger data set."
        )


def keep_robustness(evaluation: Evaluation, metadata: EvaluationMetadata, folder: Path) -> Path:
    """Write an evaluation's table into a folder of weights; return its file.

    Raises:
        ValueError: nothing was counted by pixels and sharpness.
        StorageFull: the folder cannot be written.
    """
    if evaluation.detail is None:
        raise ValueError("expected an evaluation that counted misses by pixels and sharpness")
    dataset = evaluation.dataset
    counts = dataset.description()
    data = f"{dataset.name}, {dataset.protocol}: {counts['people']} people, {counts['pictures']} pictures"
    return write_robustness(folder, evaluation.detail.table(metadata.model["model"], data, metadata.date[:10]))
