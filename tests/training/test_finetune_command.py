"""`train finetune` from pictures to a run that can be begun from, and mistakes that leave nothing behind."""

import csv
import json
from pathlib import Path

import pytest

from biometric.training.checkpoints import load_state
from tests.running import run_command
from tests.training.made_people import tree

QUICK = [
    *("--architecture", "osnet_x0_25", "--from", "scratch", "--height", "32", "--width", "16", "--threads", "1"),
    *(
        "--device",
        "cpu",
        "--people",
        "3",
        "--each",
        "2",
        "--epochs",
        "2",
        "--evaluate-every",
        "1",
        "--hold-back",
        "0.4",
    ),
]


@pytest.fixture(autouse=True)
def restored_threads() -> object:
    """The command sets torch's threads for the whole process."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("people"), 10, 2)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "train", "finetune", *arguments)


def test_a_run_is_written_and_can_be_begun_from(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder := tmp_path / "run").mkdir()
    status, out, err = run(capsys, "tree", people, "--run", folder, *QUICK, "--licence", "CC0", "--seed", 3)
    assert (status, err) == (0, "")
    assert "Tested on Folders (all against all, 4 people held back)" in out
    assert "Rank-1 " in out
    assert "FNMR " in out
    names = {path.name for path in folder.iterdir()}
    assert {
        "config.json",
        "metrics.csv",
        "metrics.json",
        "curves.png",
        "checkpoint.pt",
        "result.json",
        "card.md",
    } <= names
    with (folder / "metrics.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["epoch"] for row in rows] == ["1.0", "2.0"]
    assert set(rows[0]) >= {"loss", "rate", "rank1", "mAP", "FNMR at FMR 0.01"}
    result = json.loads((folder / "result.json").read_text())
    assert result["training"] == {"people": 6, "pictures": 24, "left_out_with_one_picture": 0}
    assert (result["architecture"], result["height"], result["width"]) == ("osnet_x0_25", 32, 16)
    measured = result["evaluation"]
    assert measured["ranking"]["rank1"]["value"] == pytest.approx(float(rows[1]["rank1"]), abs=1e-6)
    assert len(measured["ranking"]["mAP"]["interval"]["limits"]) == 2
    settings = json.loads((folder / "config.json").read_text())["settings"]
    assert (settings["seed"], settings["people"], settings["loss"]) == (3, 3, "TripletMarginLoss")
    card = (folder / "card.md").read_text()
    for words in (
        "licence of the data: CC0",
        "6 people, 24 pictures",
        "Made by:",
        "tested with 4 people only",
        "Must not be",
    ):
        assert words in card
    status, out, _ = run(
        capsys, "tree", people, "--run", tmp_path / "next", *QUICK, "--epochs", 1, "--from", folder, "--json"
    )
    assert status == 0
    assert json.loads(out)["initial_weights"] == str(folder)


def test_a_run_that_is_there_is_gone_on_with_only_when_asked(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tree", people, "--run", tmp_path / "run", *QUICK, "--evaluate-every", 2, "--loss", "ContrastiveLoss"]
    assert run(capsys, *words)[0] == 0
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    status, _, err = run(capsys, *words)
    assert (status, "Continue it with --resume" in err) == (2, True)
    status, _, err = run(capsys, *words, "--resume", "--rate", "0.1")
    assert (status, "with other settings (rate)" in err) == (2, True)
    assert run(capsys, *words, "--resume", "--workers", "1")[0] == 0  # says where, not what
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    assert load_state(tmp_path / "run" / "checkpoint.pt")["kind"] == "finetune"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tree", "NOWHERE"], "does not exist. Expected layout"),
        (["market1501", "DATA"], "is not named after a person"),
        (["tree", "DATA", "--people", "7"], "(P = 7, K = 2)"),
        (["tree", "DATA", "--each", "1"], "must be 2 or more"),
        (["tree", "DATA", "--loss", "Triplet"], "There is no loss 'Triplet'"),
        (["tree", "DATA", "--miner", "hard"], "There is no miner 'hard'"),
        (["tree", "DATA", "--loss", "NTXentLoss", "--margin", "1"], "has no margin"),
        (["tree", "DATA", "--hold-back", "2"], "--hold-back is a share"),
        (["tree", "DATA", "--architecture", "vgg"], "The architecture 'vgg' is not known"),
        (["tree", "DATA", "--architecture", "timm:vgg0"], "timm knows no network 'vgg0'"),
        (["tree", "DATA", "--from", "NOWHERE"], "not a file, a run or a card"),
        (["tree", "DATA", "--from", "omz-0286"], "made for running a network, not for training it"),
        (["tree", "DATA", "--from", "imagenet"], "no ImageNet weights for osnet_x0_25"),
        (["tree", "DATA", "--height", "0"], "--height and --width"),
        (["tree", "DATA", "--epochs", "0"], "1 or more epochs"),
        (["tree", "DATA", "--seed", "-1"], "--seed and --workers must be 0 or more"),
        (["cuhk03", "DATA", "--protocol", "old"], "new-labeled"),
    ],
)
def test_wrong_input_is_a_sentence_and_leaves_nothing_behind(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    places = {"NOWHERE": tmp_path / "nowhere", "DATA": people}
    if arguments[0] == "market1501":
        places["DATA"] = people / "person00" / "camera1"
    words = [places.get(word, word) for word in arguments]
    status, out, err = run(capsys, *words[:2], "--run", tmp_path / "run", *QUICK, *words[2:])
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "run").exists()


def test_a_loss_out_of_bounds_ends_in_a_sentence(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, "tree", people, "--run", tmp_path / "run", *QUICK, "--rate", "1e30", "--warmup", "0")
    assert status == 2
    assert "Train again with a lower --rate" in err
