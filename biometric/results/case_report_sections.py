"""The last sections of a case's report: calibration, models, settings, versions, the steps, and how to repeat it."""

from collections.abc import Sequence

from biometric.entities import Calibration, FittedThreshold
from biometric.entities.audit import AuditHead, AuditRecord, fingerprint
from biometric.entities.cases import CaseEnvironment, CaseManifest, CaseResults
from biometric.messages import describe, describe_all, describe_basis
from biometric.messages.calibration_sentences import GENUINE_KINDS, sources_words
from biometric.messages.case_sentences import describe_step
from biometric.messages.counted import counted
from biometric.messages.local_dates import utc_time
from biometric.messages.translation import gettext as _
from biometric.results.answer_report import ReportSection


def closing_sections(
    manifest: CaseManifest, results: CaseResults, records: Sequence[AuditRecord], head: AuditHead
) -> tuple[ReportSection, ...]:
    """Return the sections, in their order."""
    return (
        _calibration(manifest.calibration),
        _models(manifest, results.environment),
        ReportSection(
            _("Settings"), (), tuple((name, str(value)) for name, value in sorted(manifest.settings.items()))
        ),
        _versions(manifest.environment, results.environment),
        _steps(records, head),
        _repeating(head),
    )


def _calibration(calibration: Calibration | None) -> ReportSection:
    heading = _("Calibration")
    if calibration is None:
        text = _("There was none for the model in use when the case was opened. The threshold is the model card's.")
        return ReportSection(heading, (text,))
    rows = [
        (_("Made on"), utc_time(calibration.created_at)),
        (_("Model"), calibration.model_id),
        (_("Data"), _data(calibration)),
        (_("Threshold"), _fitted(calibration, calibration.verification)),
    ]
    for item in calibration.genuine:
        text = _("{kind}: {missed:,} of {comparisons:,} below the threshold, of {people}")
        told = text.format(
            kind=_(GENUINE_KINDS.get(item.kind, item.kind)),
            missed=item.missed,
            comparisons=item.comparisons,
            people=counted(item.people, "person"),
        )
        rows.append((_("One person"), told))
    if calibration.likelihood is not None and calibration.likelihood.basis is not None:
        rows.append((_("Likelihood ratios"), describe(calibration.likelihood.basis)))
    return ReportSection(heading, tuple(describe_all(calibration.notes)), tuple(rows))


def _data(calibration: Calibration) -> str:
    text = _("{sources}: {pairs} of {people}, {clips}, {minutes:.1f} minutes")
    return text.format(
        sources=sources_words(calibration.sources),
        pairs=counted(calibration.pairs, "pair"),
        people=counted(calibration.people, "person"),
        clips=counted(calibration.clips, "clip"),
        minutes=calibration.seconds / 60,
    )


def _fitted(calibration: Calibration, fitted: FittedThreshold) -> str:
    text = _(
        "{value:.3f} (95 % interval {low:.3f}–{high:.3f}); {errors:,} of {trials:,} {basis} reach it; false match rate "
        "at most {upper:.2g}"
    )
    return text.format(
        value=fitted.value,
        low=fitted.low,
        high=fitted.high,
        errors=fitted.errors,
        trials=fitted.trials,
        basis=describe_basis(fitted.basis, calibration.gallery_size),
        upper=fitted.upper,
    )


def _models(manifest: CaseManifest, environment: CaseEnvironment) -> ReportSection:
    names = {"detector": _("Person detector"), "embedder": _("Re-identification model")}
    rows = []
    for model in manifest.models:
        device = environment.devices.get(model.role, "")
        files = "; ".join(f"{name} {checksum}" for name, checksum in model.files.items())
        rows.append((names.get(model.role, model.role), "; ".join(filter(None, (model.card, device, files)))))
    return ReportSection(_("Models"), (), tuple(rows))


def _versions(opened: CaseEnvironment, compared: CaseEnvironment) -> ReportSection:
    rows = [
        (_("Program"), f"Sightline {compared.program}"),
        ("Python", compared.python),
        (_("System"), compared.system),
        (_("Processor"), compared.processor),
    ]
    for name in sorted({*opened.packages, *compared.packages}):
        former, now = (place.packages.get(name, "–") for place in (opened, compared))
        text = now if former == now else _("{now} (when the case was opened: {former})").format(now=now, former=former)
        rows.append((name, text))
    return ReportSection(_("Versions and machine"), (), tuple(rows))


def _steps(records: Sequence[AuditRecord], head: AuditHead) -> ReportSection:
    text = _("Each record holds the hash of the one before; the end is signed (Ed25519, key {fingerprint}).")
    rows = [
        (f"{record.number}  {utc_time(record.time)}", f"{record.who}: {describe_step(record.action, record.details)}")
        for record in records
    ]
    end = (_("Hash of record {number}").format(number=head.number), head.hash)
    return ReportSection(_("Steps"), (text.format(fingerprint=fingerprint(head.public_key)),), (*rows, end))


def _repeating(head: AuditHead) -> ReportSection:
    texts = (
        _("Whoever has the case's folder checks it, and does all of it again on the same inputs, with:"),
        f"python -m biometric case verify FOLDER --key '{fingerprint(head.public_key)}'",
        "python -m biometric case repeat FOLDER",
        _("Take the key's fingerprint from the examiner, not from this file."),
    )
    return ReportSection(_("To check and repeat it"), texts)
