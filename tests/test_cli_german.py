"""Commands that show what is kept speak the language of the process throughout."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support, gallery
from biometric.cli import models as models_command
from biometric.entities.model_reports import ModelCheck
from biometric.entities.progress import finish
from biometric.messages.translation import activate
from tests.test_service import ServiceSetup

ENGLISH = re.compile(
    r"\b(and|is|by|the|was|with|on|frames?|since|cameras?|recorded|kept|until|licence|enrolled|samples?|references?|"
    r"unknown|file|cover|ready|missing|fetched|recommended|works?|none|detector|cards|clips?|answers?|added|more)\b"
)


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceSetup]:
    made = ServiceSetup(tmp_path)
    for module in (command_support, gallery):
        monkeypatch.setattr(module, "build_service", lambda options: made.service)
    monkeypatch.setenv("SIGHTLINE_LANGUAGE", "de")
    observed = finish(made.service.observe(made.clip, label="Eingang"))
    made.service.library.keep(observed, made.service.enroll(observed, "Ada"))
    made.service.library.keep(observed, made.service.identify(observed))
    yield made
    activate("en")
    made.service.close()


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(arguments) in (0, 1, 2)
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("library list", "Eingang"),
        ("library list nothing", "Kein aufbewahrter Clip, keine Kamera und keine Person enthält „nothing“"),
        ("library show Eingang", "aufgenommen unbekannt, Kamera unbekannt"),
        ("library history", "Ada"),
        ("library remove Eingang", "Eingang mit 2 Antworten endgültig entfernen?"),
        ("library remove Eingang --yes", "Eingang wurde mit seinen Antworten entfernt."),
        ("gallery list", "Ada: 1 Referenz, seit 20"),
        ("gallery show Ada", "Kamera unbekannt"),
        ("models list", "Detektor: "),
        ("models check", "ms je Bild"),
    ],
)
def test_nothing_of_what_is_said_is_english(
    setup: ServiceSetup, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, words: str
) -> None:
    class Checked:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def check(self) -> list[ModelCheck]:
            return [
                ModelCheck("detector", "yolo", "CPU", 12.34),
                ModelCheck("embedder", "", "", None, real.status()[0].problem or "Defekt."),
            ]

    if command.startswith("models"):
        real = models_command._models()
        monkeypatch.setattr(models_command, "_models", Checked)
    text = said(capsys, *command.split())
    assert words in text
    told = re.sub(r"https?:\S+|\S*[/.]\S*\w|--\w+|\b[0-9a-f]{8,}\b|„nothing“", "", text)
    titles = re.sub(r"(?m)^(Detektor|Embedder): .*?, (?=Lizenz)", "", told)  # names of models stay as they are
    assert ENGLISH.findall(titles) == [], titles
