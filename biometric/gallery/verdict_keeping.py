"""Verdicts of a gallery: giving, listing and withdrawing them; each change can be undone for a time."""

from biometric.domain.constraints import replaced_by, same_probe
from biometric.entities import ChangeKind, GalleryChange, NewVerdict, RecordedVerdict, Verdict, VerdictWord
from biometric.errors import UnknownReference
from biometric.gallery import reference_rows, rows, sighting_links, verdict_rows
from biometric.gallery.audit_chain import decimal_text
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.editing import GalleryEditing

_KINDS = {
    VerdictWord.CONFIRMED: ChangeKind.VERDICT_CONFIRMED,
    VerdictWord.WRONG: ChangeKind.VERDICT_WRONG,
    VerdictWord.UNDECIDED: ChangeKind.VERDICT_UNDECIDED,
}


class VerdictKeeping(GalleryEditing):
    """The part of a gallery that keeps verdicts. They are in no export: each holds a template of its probe."""

    def verdicts(self) -> list[Verdict]:
        """Return the verdicts about everybody enrolled, the latest first."""
        with self._transactions.reading_or_empty() as db:
            return verdict_rows.read_verdicts(db)

    def save_verdict(self, verdict: NewVerdict) -> RecordedVerdict:
        """Store a verdict; earlier ones that it replaces (see `constraints.replaced_by`) go to the trash.

        Raises:
            UnknownIdentity: the identity was removed meanwhile.
            ModelMismatch: the gallery holds templates of another model.
        """
        template = verdict.probe.template
        with self._transactions.writing_existing() as write:
            owner = rows.identity_number(write.db, verdict.identity_id)
            rows.check_model(write.db, template.model_id, template.vector.size)
            recorder = ChangeRecorder(write, _KINDS[verdict.word], owner)
            about = [item for item in verdict_rows.read_verdicts(write.db) if same_probe(item.probe, verdict.probe)]
            for earlier in replaced_by(verdict.word, verdict.identity_id, about):
                if earlier.identity_id != verdict.identity_id:
                    recorder.add_people(rows.identity_number(write.db, earlier.identity_id))
                recorder.trash_verdict(earlier.id)
            try:
                reference, _ = reference_rows.reference_number(write.db, verdict.reference_id or "")
            except UnknownReference:  # removed meanwhile; what was said of the person holds
                reference = None
            number = verdict_rows.insert_verdict(write.db, verdict, owner, reference, write.now)
            recorder.note_new_verdict(number)
            sighting_links.link_verdict(write.db, number, verdict.probe)
            recorder.note(
                input=verdict.probe.clip_digest,
                frames=[verdict.probe.first_frame, verdict.probe.last_frame],
                person=verdict.probe.person,
                model=template.model_id,
                verdict=number,
                purpose=verdict.purpose,
                decision=verdict.decision.value,
                score=decimal_text(verdict.score),
                threshold=decimal_text(verdict.threshold),
            )
            [stored] = verdict_rows.read_verdicts(write.db, number)
            return RecordedVerdict(stored, recorder.finish(0, 0))

    def remove_verdict(self, verdict_id: int) -> GalleryChange:
        """Put a verdict into the trash, as if it had not been given. Raises `UnknownVerdict`."""
        with self._transactions.writing_existing() as write:
            recorder = ChangeRecorder(write, ChangeKind.VERDICT_WITHDRAWN, verdict_rows.owner_of(write.db, verdict_id))
            recorder.trash_verdict(verdict_id)
            recorder.note(verdict=verdict_id)
            return recorder.finish(0, 0)
