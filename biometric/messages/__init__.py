"""The one catalogue of sentences: codes and numbers → what people read.

Only what faces people uses it: page, command line, API, and the files of results. Everything else passes notices on.
`messages.templates` holds the message ids, and `messages.translation` looks them up in the language of the process.
`messages.change_sentences` tells the history of a gallery.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from biometric.entities import (
    AdaptationKind,
    Decision,
    FitBasis,
    Identification,
    LikelihoodRatio,
    Notice,
    NoticeCode,
    RateKind,
    ScoreBand,
    Threshold,
    ThresholdSource,
    Verification,
)
from biometric.entities.notices import Value
from biometric.errors import (
    BiometricError,
    DamagedClip,
    IdentityExists,
    LooksDifferent,
    NoUsableSample,
    ThresholdBelowCard,
)
from biometric.messages.local_dates import day_of
from biometric.messages.templates import REFUSAL_NAMES, SOURCES, STRENGTHS, TEMPLATES, WORDS
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number, pgettext, tell

OutcomeMood = Literal["good", "unsure", "bad"]
"""How an answer is coloured; the words beside it say the same."""

_COMPARED: Final = (
    (2, ("score", "own_score", "threshold")),
    (0, ("width", "min_width")),
    (0, ("height", "min_height")),
)
"""Values that are compared with each other, and how many decimals they have at least."""


def describe(notice: Notice) -> str:
    """Return the sentence of a notice (of a refused sample: a phrase that follows a colon)."""
    values = dict(notice.values)
    shown: dict[str, Value] = {**values, **_compared(values)}
    for name, words in WORDS.items():
        if name in values:
            shown[name] = pgettext(name, words.get(str(values[name]), str(values[name]))).format(**values)
    if "day" in values:
        shown["day"] = day_of(str(values["day"]))
    if "expired" in values:
        shown["expired"] = day_of(str(values["expired"]))
    if "role" in values:
        role = str(shown["role"])
        shown |= {"role": values["role"], "role_name": role, "Role": role[:1].upper() + role[1:]}
    return _(TEMPLATES[notice.code]).format(**shown)


def describe_all(notices: Iterable[Notice]) -> list[str]:
    """Return the sentences of several notices."""
    return [describe(notice) for notice in notices]


def describe_error(error: BiometricError) -> str:
    """Return an error's message, and what its numbers say: damage of a clip, refused samples, comparison scores."""
    message = tell(error.message)
    if isinstance(error, DamagedClip) and error.damage is not None:
        return f"{describe(error.damage)} {message}"
    if isinstance(error, NoUsableSample) and error.refusals:
        return _("{message} Refused samples: {reasons}.").format(
            message=message, reasons=describe_refusals(error.refusals)
        )
    if isinstance(error, IdentityExists | LooksDifferent) and error.conflict is not None:
        return f"{describe(error.conflict.notice)} {message}"
    if isinstance(error, ThresholdBelowCard):
        return " ".join([*describe_all(error.notices), message])
    return message


def describe_refusals(refusals: Mapping[NoticeCode, int]) -> str:
    """Return why samples were refused, the four most frequent reasons first: "too small (12), blurred (3)"."""
    ordered = sorted(refusals.items(), key=lambda item: -item[1])
    return ", ".join(f"{refusal_name(code)} ({count})" for code, count in ordered[:4])


def refusal_name(code: NoticeCode) -> str:
    """Return a refusal without its numbers, such as "too small". Raises `KeyError`: it is no refusal's code."""
    return _(REFUSAL_NAMES[code])


def describe_reason(answer: Verification | Identification) -> str:
    """Return why it was decided so; where no sample was good enough, with the reasons of the refusals."""
    sentence = describe(answer.reason)
    if answer.reason.code is not NoticeCode.NO_GOOD_SAMPLE or not answer.observation.refusals:
        return sentence
    return _("{message} Refused samples: {reasons}.").format(
        message=sentence, reasons=describe_refusals(answer.observation.refusals)
    )


def verification_outcome(answer: Verification) -> tuple[OutcomeMood, str]:
    """Return how a verification went, for the look and in words: ("good", "Match: this is Ada")."""
    name = answer.identity.name
    if answer.decision is Decision.NO_DECISION:
        return "unsure", _("No decision")
    if answer.band is ScoreBand.MATCH:
        return "good", _("Match: this is {name}").format(name=name)
    if answer.band is ScoreBand.UNSURE and answer.score is not None:
        closeness = describe_closeness(answer.score, answer.threshold)
        return "unsure", _("Unsure: {closeness} to a match with {name}").format(closeness=closeness, name=name)
    return "bad", _("No match: this is not {name}").format(name=name)


def describe_closeness(score: float, threshold: Threshold) -> str:
    """Return how near a score below the threshold is to it: "close" or, in the upper third of the band, "very close".

    Raises:
        ValueError: the score is not in the band that is called unsure.
    """
    if threshold.band(score) is not ScoreBand.UNSURE:
        raise ValueError(f"expected a score from {threshold.unsure_from} to below {threshold.value}, got {score}")
    near = (threshold.value - score) * 3 <= threshold.value - threshold.unsure_from
    return _("very close") if near else _("close")


def describe_origin(threshold: Threshold) -> str:
    """Return where a threshold came from, to stand beside a score: "model card", or when it was calibrated."""
    if threshold.source is not ThresholdSource.CALIBRATION or threshold.rate is None:
        return _(SOURCES[threshold.source])
    return _("calibrated here on {day}: {rate}").format(
        day=day_of(threshold.calibrated_on), rate=describe_rate(threshold.rate, threshold.rate_kind)
    )


def describe_evidence(threshold: Threshold) -> list[str]:
    """Return sentences on what a threshold rests on; a rate only where the evidence is for exactly this value."""
    sentences = [_sentence(describe(notice)) for notice in threshold.evidence]
    if threshold.adaptation.kind is AdaptationKind.CENTRING:
        text = _("Scores are centred by camera: what the people of a camera have in common is taken out ({id}).")
        sentences.append(text.format(id=threshold.adaptation.id))
    if threshold.adaptation.kind is AdaptationKind.NORMALISATION:
        text = _("Scores are normalised with the closest scores of a cohort of strangers ({id}).")
        sentences.append(text.format(id=threshold.adaptation.id))
    if threshold.rate is None:
        return [*sentences, _("The error rate at this value is not known.")]
    return [*sentences, _sentence(describe_rate(threshold.rate, threshold.rate_kind))]


def describe_rate(rate: float, kind: RateKind) -> str:
    """Return what an error rate in [0, 1] means, as a count."""
    return describe_false_match_rate(rate) if kind is RateKind.FMR else describe_false_positive_rate(rate)


def describe_false_match_rate(rate: float) -> str:
    """Return what a false match rate in [0, 1] means: "of 1,000 strangers, about 1 would pass"."""
    if rate <= 0:
        return _("no stranger passed in the evidence")
    return _("of {total:,} strangers, about {count:,} would pass").format(**_out_of(rate))


def describe_false_positive_rate(rate: float) -> str:
    """Return what a false-positive identification rate in [0, 1] means, for searches of the whole gallery."""
    if rate <= 0:
        return _("no search for a stranger named anybody in the evidence")
    text = _("of {total:,} strangers searched in the gallery, about {count:,} would be named")
    return text.format(**_out_of(rate))


def describe_basis(basis: FitBasis, searched: int) -> str:
    """Return which trials a threshold was fitted to; `searched` counts the identities of a search."""
    return pgettext("basis", WORDS["basis"][basis]).format(searched=searched).rstrip(",")


def describe_likelihood(likelihood: LikelihoodRatio, score: float) -> str:
    """Return words and number: "likelihood ratio 11 (95 % interval 4–28): moderate support for the same person".

    The interval is left out where the calibration did not measure it. A score that is not a number gives "no likelihood
    ratio".
    """
    if not math.isfinite(score):
        return _("no likelihood ratio")
    ratio, interval = likelihood.ratio(score), likelihood.interval(score)
    words = {"number": ratio_number(ratio), "support": describe_support(ratio)}
    if interval is None:
        return _("likelihood ratio {number}: {support}").format(**words)
    low, high = map(ratio_number, interval)
    return _("likelihood ratio {number} (95 % interval {low}–{high}): {support}").format(low=low, high=high, **words)


def ratio_number(ratio: float) -> str:
    """Return a likelihood ratio to two digits below 10, to whole numbers above."""
    return local_number(f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}")


def describe_support(ratio: float) -> str:
    """Return what a likelihood ratio above 0 supports and how strongly: "moderate support for the same person"."""
    strength = next((word for least, word in STRENGTHS if max(ratio, 1 / ratio) >= least), None)
    if strength is None:
        return _("no support either way")
    same, other = _("{strength} support for the same person"), _("{strength} support for different people")
    return (same if ratio >= 1 else other).format(strength=_(strength))


def decimals_apart(*numbers: float | None, least: int = 2) -> int:
    """Return how many decimals it takes, at least `least`, to show unequal numbers as unequal and in their order.

    Rounding to the same number of decimals never changes the order, so it suffices that none become equal.
    """
    known = {number + 0.0 for number in numbers if number is not None}  # + 0.0: there is one zero
    decimals = least
    while decimals < _MOST_DECIMALS and len({float(plain_decimal(number, decimals)) for number in known}) < len(known):
        decimals += 1
    return decimals


_MOST_DECIMALS = 350
"""No two numbers in [-1, 1] need more decimals (the smallest float is 5e-324)."""


def decimal(number: float, decimals: int = 2) -> str:
    """Return a number with so many decimals, as this language writes it; what rounds to zero has no sign."""
    return local_number(plain_decimal(number, decimals))


def plain_decimal(number: float, decimals: int = 2) -> str:
    """Return a number with so many decimals for other programs to read; what rounds to zero has no sign."""
    text = f"{number:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def clock(seconds: float) -> str:
    """Return a time of footage as m:ss.d, such as 0:06.3 (hours are counted as minutes, times below 0 are 0)."""
    tenths = max(0, round(seconds * 10))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def shown_apart(*numbers: float, least: int = 2) -> tuple[str, ...]:
    """Return numbers with as many decimals as `decimals_apart` says."""
    decimals = decimals_apart(*numbers, least=least)
    return tuple(decimal(number, decimals) for number in numbers)


def _out_of(rate: float) -> dict[str, int]:
    total = 100
    while total * rate < 1 and total < 10**9:
        total *= 10
    return {"total": total, "count": round(total * rate)}


def _compared(values: Mapping[str, Value]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for least, names in _COMPARED:
        present = [name for name in names if name in values]
        shown.update(zip(present, shown_apart(*(float(values[name]) for name in present), least=least), strict=True))
    return shown


def _sentence(text: str) -> str:
    """A phrase as a sentence of its own."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
