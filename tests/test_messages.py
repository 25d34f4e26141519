"""Every code has a sentence that its values fill; numbers are shown in the order in which they decide."""

import json
import math
import pickle
import string
from collections.abc import Iterator
from random import Random

import pytest

from biometric import messages
from biometric.entities import REFUSALS, ChangeKind, Notice, NoticeCode, Threshold, ThresholdSource
from biometric.entities.audit import AuditAction
from biometric.entities.notices import VALUES
from biometric.errors import ClipError
from biometric.messages.audit_sentences import ACTIONS

NUMBERS = {"basis": "pairs for searches", "problem": "DamagedClip", "format": "onnx", "role": "detector", "day": "then"}
TEXTS = {"name", "other", "text", "title", "recommended", "file", "description", "setting", "detector", "edge"}


def sample(code: NoticeCode) -> Notice:
    """A notice of a code with values that cannot be mistaken for the template's own words."""
    numbers = iter(range(7001, 8000))
    return Notice(
        code,
        **{name: NUMBERS.get(name) or (f"<{name}>" if name in TEXTS else next(numbers)) for name in VALUES[code]},
    )


def test_each_code_has_its_values_and_a_sentence() -> None:
    assert set(VALUES) == set(NoticeCode)
    sentences = {code: messages.describe(sample(code)) for code in NoticeCode}
    assert all(sentence.strip() for sentence in sentences.values())
    texts = [text for code, text in sentences.items() if "text" not in VALUES[code]]
    assert len(set(texts)) == len(texts), "two codes say the same"


@pytest.mark.parametrize("code", NoticeCode)
def test_each_value_stands_in_the_sentence(code: NoticeCode) -> None:
    for name, value in sample(code).values:
        if name in NUMBERS:
            continue
        changed = Notice(code, **{**dict(sample(code).values), name: "other" if isinstance(value, str) else 3})
        assert messages.describe(changed) != messages.describe(sample(code)), f"{name} is not said"


def test_a_value_that_is_a_code_is_said_in_words() -> None:
    left_out = messages.describe(Notice(NoticeCode.CLIP_LEFT_OUT, number=2, total=3, problem="DamagedClip"))
    assert left_out == "Clip 2 of 3 was left out: it is damaged."
    for kind in ClipError.__subclasses__():
        text = messages.describe(Notice(NoticeCode.CLIP_LEFT_OUT, number=2, total=3, problem=kind.__name__))
        assert kind.__name__ not in text
    assumed = Notice(NoticeCode.INPUT_FORMAT_ASSUMED, file="a.onnx", format="onnx", description="a.toml")
    assert messages.describe(assumed).startswith("a.onnx has no description; RGB with ImageNet's")
    starter = Notice(NoticeCode.STARTER_WEIGHTS, role="embedder")
    assert messages.describe(starter).startswith("Embedder uses starter weights")


def test_values_are_text_and_never_templates() -> None:
    hostile = "{name} {0.__class__} %s"
    assert hostile in messages.describe(Notice(NoticeCode.CLOSE_CALL, name=hostile))


def test_each_refusal_has_a_name_without_numbers() -> None:
    names = [messages.refusal_name(code) for code in REFUSALS]
    assert len(set(names)) == len(REFUSALS)
    assert not any(set(name) & set(string.digits) for name in names)
    with pytest.raises(KeyError):
        messages.refusal_name(NoticeCode.CLOSE_CALL)


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("no_such_code", {}),
        (NoticeCode.BLURRED, {"share": 1.0}),
        (NoticeCode.COVERED, {}),
        (NoticeCode.COVERED, {"share": float("nan")}),
        (NoticeCode.COVERED, {"share": None}),
        (NoticeCode.COVERED, {"share": True}),
        (NoticeCode.COVERED, {"share": [0.5]}),
    ],
)
def test_a_notice_checks_its_values(code: NoticeCode, values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|not a valid"):
        Notice(code, **values)  # type: ignore[arg-type]


def test_notices_are_values_and_travel() -> None:
    notice = Notice(NoticeCode.COVERED, share=0.1 + 0.2)
    assert notice == Notice("covered", share=0.1 + 0.2) != Notice(NoticeCode.COVERED, share=0.3)
    assert len({notice, Notice(NoticeCode.COVERED, share=0.1 + 0.2)}) == 1
    assert notice["share"] == 0.1 + 0.2
    assert Notice.from_dict(json.loads(json.dumps(notice.as_dict()))) == notice
    assert pickle.loads(pickle.dumps(notice)) == notice
    with pytest.raises(AttributeError):
        notice.code = NoticeCode.BLURRED  # type: ignore[misc]


def pairs() -> Iterator[tuple[float, float]]:
    """Scores with thresholds: far apart, nearly equal, neighbours in floating point, equal."""
    random = Random(8)
    yield from [(0.98, 0.9800000001), (0.0, 5e-324), (0.0, -0.0), (-0.001, 0.001), (0.9999999999999999, 1.0)]
    for _ in range(300):
        threshold = random.choice([random.uniform(-1, 1), round(random.uniform(-1, 1), random.randint(1, 6))])
        yield random.uniform(-1, 1), threshold
        yield min(1.0, max(-1.0, threshold + random.choice([-1, 1]) * 10 ** random.uniform(-17, -1))), threshold
        yield math.nextafter(threshold, random.choice([-1.0, 1.0])), threshold
        yield threshold, threshold


def test_shown_order_is_the_order_that_decides() -> None:
    for score, threshold in pairs():
        decimals = messages.decimals_apart(score, threshold)
        shown = [float(messages.decimal(number, decimals)) for number in (score, threshold)]
        assert (shown[0] >= shown[1]) is (score >= threshold), (score, threshold)
        assert (shown[0] == shown[1]) is (score == threshold), (score, threshold)
        if decimals > 2:
            fewer = {messages.decimal(number, decimals - 1) for number in (score, threshold)}
            assert len(fewer) == 1, "fewer decimals would have told enough"


def test_two_decimals_where_two_tell_enough() -> None:
    assert messages.decimals_apart(0.83, 0.514) == 2
    assert messages.decimals_apart(0.5, 0.5) == 2
    assert messages.decimals_apart(0.9799, 0.98) == 4
    assert messages.decimals_apart(None, 0.5) == 2
    near = Notice(NoticeCode.LOOKS_LIKE, name="Ada", other="Ben", score=0.98, threshold=0.9796)
    assert "scores 0.980 against Ben" not in messages.describe(near)
    assert "scores 0.9800 against Ben" in messages.describe(near)
    assert "(identification threshold 0.9796)" in messages.describe(near)


def test_numbers_and_times() -> None:
    assert [messages.decimal(number) for number in (0.0, -0.0, -0.001, -0.344)] == ["0.00", "0.00", "0.00", "-0.34"]
    assert [messages.clock(seconds) for seconds in (-1, 0, 6.3, 59.96, 3725.04)] == [
        "0:00.0",
        "0:00.0",
        "0:06.3",
        "1:00.0",
        "62:05.0",
    ]


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.0316, "of 100 strangers, about 3 would pass"),
        (1e-4, "of 10,000 strangers, about 1 would pass"),
        (0.0, "no stranger passed in the evidence"),
    ],
)
def test_rates_are_said_as_counts(rate: float, words: str) -> None:
    assert messages.describe_false_match_rate(rate) == words
    assert "strang" in messages.describe_false_positive_rate(rate)


def test_closeness_has_two_words_and_only_below_the_threshold() -> None:
    threshold = Threshold(0.5, ThresholdSource.USER)
    assert [messages.describe_closeness(score, threshold) for score in (0.45, 0.48, 0.49, 0.4999)] == [
        *("close", "close", "very close", "very close")
    ]
    for score in (0.2, 0.5, 0.9):
        with pytest.raises(ValueError, match="expected a score"):
            messages.describe_closeness(score, threshold)


def test_every_action_of_the_audit_trail_has_words() -> None:
    assert set(ACTIONS) == {action.value for actions in (ChangeKind, AuditAction) for action in actions}
