"""Data sets in their published layouts, and what is said of broken ones."""

from pathlib import Path

import numpy as np
import pytest

from biometric.entities import Detection, NewReference, NewSample
from biometric.errors import DatasetInvalid, EmptyGallery, InvalidSetting
from biometric.evaluation.comparisons import DISTRACTOR, JUNK
from biometric.evaluation.dataset_images import DatasetImages
from biometric.evaluation.datasets import Dataset, Source, families, read, read_training
from biometric.evaluation.datasets.folders import read_gallery
from biometric.gallery.repository import SQLiteGallery
from tests.builders import axis
from tests.evaluation.made_datasets import cuhk03, market, picture, write


def sides(dataset: Dataset) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """(person, camera) of probes and references."""
    names = [dataset.people[who] if who >= 0 else str(who) for who in dataset.identities.tolist()]
    shown = list(zip(names, dataset.cameras.tolist(), strict=True))
    return [shown[index] for index in dataset.probes], [shown[index] for index in dataset.references]


def test_market_1501(tmp_path: Path) -> None:
    found = read("market1501", market(tmp_path, people=2))
    probes, references = sides(found)
    assert probes == [("0001", 0), ("0002", 0)]
    assert references == [
        (str(JUNK), 2),
        (str(DISTRACTOR), 2),
        ("0001", 0),
        ("0001", 1),
        ("0002", 0),
        ("0002", 1),
    ]
    assert not found.symmetric
    assert found.description() == {
        "pictures": 8,
        "people": 2,
        "cameras": 3,
        "probes": 2,
        "references": 6,
        "junk": 1,
        "distractors": 1,
    }


def test_any_folder_in_the_naming_of_market_1501(tmp_path: Path) -> None:
    for name in ("0002_c1s1_000451_03.jpg", "0002_c2s1_000451_03.png", "0010_c1_5.jpg", "1501_c6.jpg"):
        write(tmp_path / name)
    found = read("market1501", tmp_path)
    assert found.symmetric
    assert sides(found)[0] == [("0002", 0), ("0002", 1), ("0010", 0), ("1501", 2)]


def test_cuhk01(tmp_path: Path) -> None:
    for person in (1, 971):
        for index in range(1, 5):
            write(tmp_path / "campus" / f"{person:04d}{index:03d}.png")
    probes, references = sides(read("cuhk01", tmp_path))
    assert probes == [("0001", 0), ("0001", 0), ("0971", 0), ("0971", 0)]
    assert {camera for _, camera in references} == {1}
    assert sides(read("cuhk01", tmp_path / "campus"))[0] == probes


@pytest.mark.parametrize("test_folder", ["test", "mask_test_v2"])
def test_msmt17(tmp_path: Path, test_folder: str) -> None:
    root = tmp_path / "MSMT17_V1"
    for name in ("0000/0000_000_01_0303morning_0015_0.jpg", "0000/0000_001_15_0303noon_0015_0.jpg"):
        write(root / test_folder / name)
    (root / "list_query.txt").write_text("0000/0000_000_01_0303morning_0015_0.jpg 0\n")
    (root / "list_gallery.txt").write_text("0000/0000_001_15_0303noon_0015_0.jpg 0\n\n")
    assert sides(read("msmt17", tmp_path)) == ([("000000", 0)], [("000000", 1)])


def test_cuhk03_new_protocol(tmp_path: Path) -> None:
    found = read("cuhk03", cuhk03(tmp_path))
    assert found.protocol == "new (767/700), labeled"
    assert sides(found) == ([("0101", 0), ("0102", 0)], [("0101", 1), ("0101", 1), ("0102", 1), ("0102", 1)])
    assert not found.single_shot
    with DatasetImages() as pictures:
        image = pictures.load(found.sources[1])
    assert np.array_equal(image, picture(1, 0, 40, 20))  # BGR again, the right way up


def test_cuhk03_classic_protocol(tmp_path: Path) -> None:
    found = read("cuhk03", cuhk03(tmp_path), "classic-detected")
    assert found.single_shot
    assert found.symmetric
    assert set(found.people) == {"1_001", "1_002", "2_001"}
    assert len(found.sources) == 3 * 8  # cells without a picture are passed over
    assert read("cuhk03", tmp_path, "classic-detected:7").people == ("1_001",)
    with pytest.raises(InvalidSetting, match="0 to 19"):
        read("cuhk03", tmp_path, "classic-detected:20")


def test_cuhk03_plain_folder(tmp_path: Path) -> None:
    for index in (0, 4, 5, 9):
        write(tmp_path / f"12_{index}.jpg")
    assert sides(read("cuhk03", tmp_path)) == ([("12", 0), ("12", 0)], [("12", 1), ("12", 1)])


def test_a_tree_of_folders(tmp_path: Path) -> None:
    for name in ("ada/door/1.jpg", "ada/yard/1.jpg", "ben/yard/7.png"):
        write(tmp_path / name)
    (tmp_path / ".git").mkdir()
    found = read("tree", tmp_path)
    assert found.symmetric
    assert sides(found)[0] == [("ada", 0), ("ada", 1), ("ben", 1)]


def test_a_csv(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write(tmp_path / name)
    listing = tmp_path / "dataset.csv"
    listing.write_text("file,id,cam,split,hat\na.jpg,ada,1,query,yes\nb.jpg,ada,2,gallery,no\nc.jpg,ben,1,train,no\n")
    assert sides(read("csv", tmp_path)) == ([("ada", 0)], [("ada", 1)])
    assert sides(read("csv", listing)) == ([("ada", 0)], [("ada", 1)])
    listing.write_text("file,id,cam\na.jpg,ada,1\nb.jpg,ada,2\n")
    assert read("csv", tmp_path).symmetric


def enrolled(folder: Path, crops: Path, name: str, clip: str, vector: np.ndarray) -> None:
    """Enroll one sample under a name."""
    from biometric.entities import Template

    detection = Detection(5, (0, 0, 10, 20), 0.9)
    source = write(crops / clip / detection.crop_name)
    sample = NewSample(detection.crop_name, source, 0.5, 5, vector)
    SQLiteGallery(folder).enroll(name, NewReference(Template(vector, "m", 1), (sample,), clip * 64, clip, 0, 9))


def test_a_gallery_of_this_app_compares_visits(tmp_path: Path) -> None:
    with pytest.raises(EmptyGallery, match="Enroll people first"):
        read_gallery(SQLiteGallery(tmp_path / "gallery"))
    for name, clip in (("Ada", "a"), ("Ada", "b"), ("Ben", "c")):
        enrolled(tmp_path / "gallery", tmp_path / "crops", name, clip, axis(ord(clip) - ord("a")))
    found = read_gallery(SQLiteGallery(tmp_path / "gallery"))
    assert found.people == ("Ada", "Ben")
    assert sorted(found.identities.tolist()) == [0, 0, 1]
    assert len(set(found.cameras.tolist())) == 3


@pytest.mark.parametrize("name", sorted(families()))
def test_a_missing_folder_is_named_with_the_expected_layout(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        read(name, tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)
    assert families()[name].layout in str(caught.value)


@pytest.mark.parametrize("name", sorted(families()))
def test_an_empty_folder_is_no_data_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetInvalid, match="Expected layout"):
        read(name, tmp_path)


def test_the_first_bad_path_is_named(tmp_path: Path) -> None:
    market(tmp_path / "market")
    write(tmp_path / "market" / "query" / "holiday.jpg")
    with pytest.raises(DatasetInvalid, match=r"holiday\.jpg is not named"):
        read("market1501", tmp_path / "market")
    (tmp_path / "market" / "query" / "holiday.jpg").unlink()
    for each in (tmp_path / "market" / "bounding_box_test").glob("*.jpg"):
        each.unlink()
    with pytest.raises(DatasetInvalid, match="bounding_box_test holds no picture"):
        read("market1501", tmp_path / "market")
    write(tmp_path / "cuhk01" / "0001005.png")
    with pytest.raises(DatasetInvalid, match=r"0001005\.png"):
        read("cuhk01", tmp_path / "cuhk01")
    write(tmp_path / "plain" / "1_10.jpg")
    with pytest.raises(DatasetInvalid, match=r"1_10\.jpg"):
        read("cuhk03", tmp_path / "plain")
    write(tmp_path / "tree" / "ada" / "1.jpg")
    with pytest.raises(DatasetInvalid, match="ada holds no folder"):
        read("tree", tmp_path / "tree")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "lists no picture"),
        ("file,id,cam\nmissing.jpg,ada,1\n", "missing.jpg does not exist"),
        ("file,id,cam\na.jpg,,1\n", "no id in line 2"),
        ("path,who\na.jpg,ada\n", "no file in line 2"),
        ("file,id,cam,split\na.jpg,ada,1,quiz\n", "'quiz' in line 2"),
        ("file,id,cam,split\na.jpg,ada,1,train\n", "lists no picture"),
    ],
)
def test_a_bad_csv_is_told_by_its_line(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path / "a.jpg")
    (tmp_path / "dataset.csv").write_text(text)
    with pytest.raises(DatasetInvalid, match=problem):
        read("csv", tmp_path)


def test_a_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DatasetInvalid, match="cannot be read"):
        read("csv", tmp_path)


@pytest.mark.parametrize(
    ("line", "problem"), [("nonsense", "'nonsense' in line 1"), ("0000/0000_000_01_x.jpg 0", "does not exist")]
)
def test_a_bad_list_of_msmt17(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "list_query.txt").write_text(line)
    (tmp_path / "list_gallery.txt").write_text(line)
    with pytest.raises(DatasetInvalid, match=problem):
        read("msmt17", tmp_path)


def test_a_bad_mat_of_cuhk03(tmp_path: Path) -> None:
    (tmp_path / "cuhk-03.mat").write_bytes(b"MATLAB 5.0 MAT-file" * 20)
    with pytest.raises(DatasetInvalid, match="is not the published HDF5 file"):
        read("cuhk03", tmp_path, "classic-labeled")
    with pytest.raises(DatasetInvalid, match=r"config_labeled\.mat does not exist"):
        read("cuhk03", tmp_path)
    (tmp_path / "cuhk03_new_protocol_config_labeled.mat").write_bytes(b"x" * 400)
    with pytest.raises(DatasetInvalid, match="is not the published list"):
        read("cuhk03", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetInvalid, match=r"cuhk-03\.mat does not exist"):
        read("cuhk03", tmp_path / "empty", "new-labeled")


def test_unknown_kinds_and_protocols_name_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="market1501"):
        read("imagenet", tmp_path)
    with pytest.raises(InvalidSetting, match="new-labeled"):
        read("cuhk03", tmp_path, "classic")


def test_damaged_pictures_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    with DatasetImages() as pictures:
        with pytest.raises(DatasetInvalid, match=r"broken\.jpg cannot be read"):
            pictures.load(Source(broken))
        for content in (b"", b"no picture"):
            broken.write_bytes(content)
            with pytest.raises(DatasetInvalid, match=r"broken\.jpg is damaged"):
                pictures.load(Source(broken))
        cuhk03(tmp_path / "mat")
        with pytest.raises(DatasetInvalid, match="nothing"):
            pictures.load(Source(tmp_path / "mat" / "cuhk-03.mat", "nothing"))


def names(dataset: Dataset | None) -> list[str]:
    """File names of a training side, with its people."""
    assert dataset is not None
    assert dataset.symmetric
    return [source.path.name for source in dataset.sources]


def test_the_training_side_of_market_1501(tmp_path: Path) -> None:
    market(tmp_path)
    with pytest.raises(DatasetInvalid, match="bounding_box_train does not exist"):
        read_training("market1501", tmp_path)  # nobody trains on the test side by mistake
    write(tmp_path / "bounding_box_train" / "0007_c1s1_000001_01.jpg")
    assert names(read_training("market1501", tmp_path)) == ["0007_c1s1_000001_01.jpg"]
    write(tmp_path / "heap" / "0007_c1s1_000001_01.jpg")
    assert read_training("market1501", tmp_path / "heap") is None


def test_the_training_side_of_msmt17(tmp_path: Path) -> None:
    name = "0003/0003_000_01_0303morning_0015_0.jpg"
    write(tmp_path / "train" / name)
    (tmp_path / "list_train.txt").write_text(f"{name} 3\n")
    found = read_training("msmt17", tmp_path)
    assert names(found) == [Path(name).name]
    assert found is not None
    assert found.people == ("000003",)


def test_the_training_sides_of_cuhk03(tmp_path: Path) -> None:
    cuhk03(tmp_path)
    new = read_training("cuhk03", tmp_path)
    assert new is not None
    assert [source.inside for source in new.sources] == ["/#refs#/labeled_0_0_0"]  # train_idx is 1
    classic = read_training("cuhk03", tmp_path, "classic-detected")
    tested = read("cuhk03", tmp_path, "classic-detected")
    assert classic is not None
    assert set(classic.people) == {"1_003", "2_002", "2_003"}
    assert not set(classic.sources) & set(tested.sources)
    write(tmp_path / "plain" / "12_0.jpg")
    assert read_training("cuhk03", tmp_path / "plain") is None
    with pytest.raises(InvalidSetting, match="0 to 19"):
        read_training("cuhk03", tmp_path, "classic-detected:20")


def test_the_training_side_of_a_csv(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        write(tmp_path / name)
    listing = tmp_path / "dataset.csv"
    listing.write_text("file,id,cam,split\na.jpg,ada,1,train\nb.jpg,ben,2,gallery\n")
    assert names(read_training("csv", tmp_path)) == ["a.jpg"]
    listing.write_text("file,id,cam,split\nb.jpg,ben,2,gallery\n")
    with pytest.raises(DatasetInvalid, match="no picture of the split train"):
        read_training("csv", tmp_path)
    listing.write_text("file,id,cam,split\na.jpg,ada,1,train\nb.jpg,ada,2,gallery\n")
    with pytest.raises(DatasetInvalid, match="has ada in train and in other splits"):
        read_training("csv", tmp_path)
    listing.write_text("file,id,cam\na.jpg,ada,1\n")
    assert read_training("csv", tmp_path) is None


def test_pictures_of_a_csv_that_only_train_need_not_be_there(tmp_path: Path) -> None:
    write(tmp_path / "b.jpg")
    (tmp_path / "dataset.csv").write_text("file,id,cam,split\na.jpg,ada,1,train\nb.jpg,ben,2,gallery\n")
    assert read("csv", tmp_path).people == ("ben",)
    with pytest.raises(DatasetInvalid, match=r"a\.jpg does not exist"):
        read_training("csv", tmp_path)


@pytest.mark.parametrize("kind", ["cuhk01", "tree"])
def test_a_heap_of_people_sets_nobody_apart_for_training(tmp_path: Path, kind: str) -> None:
    assert read_training(kind, tmp_path) is None
