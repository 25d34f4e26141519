"""The tables of `models/manifest.toml` and of a file's description, as TOML has them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from biometric.entities.model_cards import IMAGENET, Format, Role

Channels = Annotated[list[float], Field(min_length=3, max_length=3)]


class Table(BaseModel):
    """A TOML table: a key of another type or a key that is not known (a typing mistake) is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class InputTable(Table):
    """Keys of `InputFormat`; those that are absent are as in a default (see `_input_format`)."""

    height: int = IMAGENET.height
    width: int = IMAGENET.width
    colour: str = IMAGENET.colour
    scale: float = IMAGENET.scale
    mean: Channels = []
    std: Channels = []


class ThresholdTable(Table):
    """Keys of `DefaultThreshold`."""

    value: float
    evidence: str
    fmr: float | None = None


class LinkingTable(Table):
    """Keys of `LinkingThreshold`."""

    value: float
    perhaps: float
    evidence: str


class FileTable(Table):
    """Keys of `CardFile`; exactly one of the two checksums is given."""

    name: str
    size: int
    sha256: str | None = None
    sha384: str | None = None
    url: str = ""


class CardTable(Table):
    """Keys of `Card`."""

    id: str
    role: Annotated[Role, Field(strict=False)]
    title: str
    format: Annotated[Format, Field(strict=False)]
    architecture: str
    files: list[FileTable]
    graph: list[FileTable] = []
    licence: str
    source: str
    input: InputTable | None = None
    dimension: int | None = None
    recommended: bool = False
    starter: bool = False
    successor: str = ""
    verification: ThresholdTable | None = None
    identification: ThresholdTable | None = None
    linking: LinkingTable | None = None


class DescriptionTable(InputTable):
    """What the owner of a file says about it; the keys of its input stand beside the others."""

    architecture: str = ""
    title: str = ""
    licence: str = ""
    dimension: int | None = None
    verification: ThresholdTable | None = None
    identification: ThresholdTable | None = None
    linking: LinkingTable | None = None
