"""Crops in the size of a network, kept in memory: those that are read again and again."""

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.models.embedding import resize
from biometric.training.crops.crop_records import Crops

_MOST_BYTES = 1 << 30


def prepared_crops(crops: Crops, form: InputFormat) -> Crops:
    """Return the crops, of which each is read once and then kept in the size of `form`; very many are not kept."""
    if len(crops) * form.height * form.width * 3 > _MOST_BYTES:
        return crops
    return PreparedCrops(crops, form)


class PreparedCrops:
    """crop_records.Crops resized to (H, W): a network is given exactly what it is given of the crops themselves."""

    def __init__(self, crops: Crops, form: InputFormat) -> None:
        self._crops, self._size = crops, (form.height, form.width)
        self._pictures: dict[int, Image] = {}

    def __len__(self) -> int:
        return len(self._crops)

    def name(self, index: int) -> str:
        """File name."""
        return self._crops.name(index)

    def video(self, index: int) -> str:
        """The video it was cut from."""
        return self._crops.video(index)

    def track(self, index: int) -> int | None:
        """Number of the track within its video."""
        return self._crops.track(index)

    def load(self, index: int) -> Image:
        """Return the resized picture, (H, W, 3) uint8 BGR, which must not be written to. Raises `DatasetInvalid`."""
        if index not in self._pictures:
            self._pictures[index] = resize(self._crops.load(index), *self._size)
        return self._pictures[index]
