"""Sightings in a gallery: kept once, found, searched, named by what is known of them, gone in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biometric.entities import Retention, VerdictWord
from biometric.entities.audit import AuditQuery
from biometric.entities.sighting_queries import SightingFilter
from biometric.entities.sightings import ClipTime, Naming, Sighting
from biometric.errors import BasisMissing, OnLegalHold, UnknownIdentity, UnknownSighting
from biometric.gallery import files as gallery_files
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_verdicts import verdict
from tests.lawful import TEST_BASIS, without_default
from tests.made_galleries import MODEL, check, reference, template, traces_in, unit
from tests.made_sightings import NOON, analysis, clip_digest, decided, person

HOURS = 72.0


@pytest.fixture
def lawful(gallery: SQLiteGallery) -> SQLiteGallery:
    gallery.set_default_basis(TEST_BASIS)
    return gallery


def keep(gallery: SQLiteGallery, seed: int, *seeds: int, **options: object) -> list[Sighting]:
    """Keep a clip in which the people of these seeds are seen, one after the other unless `first` says so."""
    people = [person(place, item, digest=clip_digest(seed)) for place, item in enumerate(seeds or (seed,), start=1)]
    return list(gallery.sightings.keep(analysis(seed, people, **options), HOURS))  # type: ignore[arg-type]


def test_what_is_kept_is_what_was_seen(lawful: SQLiteGallery) -> None:
    new = person(2, 7, digest=clip_digest(1), decision=decided(None, score=0.3), with_=[])
    [kept] = lawful.sightings.keep(analysis(1, [new]), HOURS)
    again = SQLiteGallery(lawful.folder).sightings.get(kept.id)
    for read in (kept, again):
        assert (read.clip_digest, read.clip_name, read.camera, read.person) == (clip_digest(1), "clip.mp4", "door", 2)
        assert (read.begins_at, read.ends_at) == (NOON, NOON + timedelta(seconds=0.9))
        assert (read.first_frame, read.last_frame, read.stretches) == (0, 9, new.stretches)
        assert (read.template.vector == unit(7)).all()
        assert (read.template.model_id, read.template.sample_count) == (MODEL, 2)
        assert (read.probe.boxes == new.probe.boxes).all()
        assert read.crop is not None
        assert read.crop.read_bytes() == new.crop
        assert read.decision is not None
        assert (str(read.decision.decision), read.decision.score, read.decision.identity_id) == ("unknown", 0.3, None)
        threshold = read.decision.threshold
        assert (threshold.value, str(threshold.source), threshold.rate, threshold.calibrated_on) == (
            *(0.5, "calibration", 0.001, "2026-04-01"),
        )
        assert read.detail == new.detail
        assert (read.identity_id, read.naming, read.is_proposal) == (None, Naming.NOBODY, False)
        assert read.basis.basis == TEST_BASIS
    assert lawful.audit.records(AuditQuery())[0][0].details["sightings"] == 1
    check(lawful)


def test_without_a_basis_nothing_is_kept(gallery: SQLiteGallery) -> None:
    with without_default(), pytest.raises(BasisMissing):
        keep(gallery, 1)
    assert gallery.sightings.count() == 0
    assert list(gallery.folder.rglob("*.jpg")) == []


def test_an_absent_gallery_has_none(gallery: SQLiteGallery) -> None:
    assert gallery.sightings.find(SightingFilter()) == ([], 0)
    assert gallery.sightings.search(template(1), SightingFilter()).hits == ()
    assert (gallery.sightings.count(), gallery.sightings.revision(), gallery.sightings.cameras()) == (0, 0, [])
    assert gallery.sightings.vectors(MODEL).ids == ()
    assert gallery.sightings.remove(["a" * 32]) == 0
    assert gallery.sightings.purge_overdue() == 0
    with pytest.raises(UnknownSighting):
        gallery.sightings.get("a" * 32)
    assert not gallery.folder.exists()


def test_the_same_analysis_again_is_no_second_one(lawful: SQLiteGallery) -> None:
    first = keep(lawful, 1, 7, 8)
    revision = lawful.sightings.revision()
    second = keep(lawful, 1, 7, 8)
    assert [item.id for item in second] == [item.id for item in first]
    assert (lawful.sightings.count(), lawful.sightings.revision()) == (2, revision)
    assert second[0].keep_until == first[0].keep_until


def test_a_wider_analysis_takes_the_place_of_those_that_it_covers(lawful: SQLiteGallery) -> None:
    ada, gone = keep(lawful, 1, 7, 8, frames=(0, 49))
    people = [person(1, 7, digest=clip_digest(1)), person(2, 9, digest=clip_digest(1), first=60)]
    kept = lawful.sightings.keep(analysis(1, people, made_with="thorough"), HOURS)
    assert [item.id == ada.id for item in kept] == [True, False]
    assert {item.id for item in lawful.sightings.find(SightingFilter())[0]} == {item.id for item in kept}
    assert gone.crop is not None
    assert not gone.crop.exists()
    check(lawful)


def test_frames_of_a_wider_analysis_change_its_decisions_only(lawful: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = lawful.enroll("Ada", reference(clips, 3))
    whole = keep(lawful, 1, 7, 8)
    part = [person(1, 7, digest=clip_digest(1), decision=decided(ada.id)), person(3, 9, digest=clip_digest(1))]
    kept = lawful.sightings.keep(analysis(1, part, frames=(0, 20)), HOURS)
    assert [(item.id, item.identity_id) for item in kept] == [(whole[0].id, ada.id)]
    assert lawful.sightings.count() == 2


def test_who_was_seen_at_once_is_kept_and_each_pair_told_once(lawful: SQLiteGallery) -> None:
    digest = clip_digest(1)
    people = [
        person(1, 7, digest=digest, with_=[2]),
        person(2, 8, digest=digest, with_=[1]),
        person(3, 9, digest=digest),
    ]
    one, two, three = lawful.sightings.keep(analysis(1, people), HOURS)
    assert (one.seen_at_once, two.seen_at_once, three.seen_at_once) == ((two.id,), (one.id,), ())
    assert lawful.sightings.seen_at_once([one.id, two.id, three.id]) == [(one.id, two.id)]
    assert lawful.sightings.seen_at_once([one.id, three.id]) == []


def test_they_are_found_by_time_camera_and_clip(lawful: SQLiteGallery) -> None:
    [early] = keep(lawful, 1, begins=NOON - timedelta(days=1))
    [late] = keep(lawful, 2, camera="yard")
    [undated] = keep(lawful, 3, begins=None)

    def found(**wanted: object) -> list[str]:
        items, total = lawful.sightings.find(SightingFilter(**wanted))  # type: ignore[arg-type]
        assert total == len(items)
        return [item.id for item in items]

    assert found() == [late.id, early.id, undated.id]
    assert found(camera="door") == [early.id, undated.id]
    assert found(since=NOON) == [late.id]
    assert found(until=NOON) == [early.id]
    assert found(since=NOON + timedelta(seconds=0.9)) == [late.id]
    assert found(since=NOON + timedelta(seconds=1)) == []
    assert found(clip_digest=clip_digest(3)) == [undated.id]
    assert found(without=(late.id, undated.id)) == [early.id]
    assert lawful.sightings.cameras() == ["door", "yard"]
    items, total = lawful.sightings.find(SightingFilter(limit=1, offset=1))
    assert ([item.id for item in items], total) == ([early.id], 3)
    with pytest.raises(UnknownIdentity):
        found(identity_id="a" * 32)


@pytest.mark.parametrize("compact_above", [100_000, 5])
def test_search_is_as_comparing_one_by_one(tmp_path: Path, compact_above: int) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery", compact_above=compact_above)
    gallery.set_default_basis(TEST_BASIS)
    seeds = {sighting.id: seed for seed in range(40) for sighting in keep(gallery, seed, camera=f"c{seed % 3}")}
    probe = template(100)

    def expected(chosen: list[int]) -> list[tuple[int, float]]:
        scores = {seed: float(unit(seed) @ probe.vector) for seed in chosen}
        return sorted(scores.items(), key=lambda item: -item[1])

    def found(least: float = -1.0, **wanted: object) -> list[tuple[int, float]]:
        hits = gallery.sightings.search(probe, SightingFilter(**wanted), least).hits  # type: ignore[arg-type]
        return [(seeds[hit.sighting.id], hit.score) for hit in hits]

    for wanted, chosen in (({}, list(range(40))), ({"camera": "c1"}, list(range(1, 40, 3)))):
        best = expected(chosen)
        got = found(**wanted, limit=7)
        assert [seed for seed, _ in got] == [seed for seed, _ in best[:7]]
        assert [score for _, score in got] == pytest.approx([score for _, score in best[:7]], abs=1e-6)
        assert [seed for seed, _ in found(**wanted, limit=5, offset=5)] == [seed for seed, _ in best[5:10]]
    least = expected(list(range(40)))[3][1]
    assert len(found(least - 1e-4, limit=10)) == 4
    page = gallery.sightings.search(probe, SightingFilter(limit=10))
    assert (page.compared, page.has_more) == (40, True)
    assert not gallery.sightings.search(probe, SightingFilter(limit=40)).has_more
    best_id = page.hits[0].sighting.id
    gallery.sightings.remove([best_id])
    assert gallery.sightings.search(probe, SightingFilter(limit=1)).hits[0].sighting.id != best_id
    [new] = SQLiteGallery(gallery.folder).sightings.keep(
        analysis(100, [person(1, 100, digest=clip_digest(100))]), HOURS
    )
    assert gallery.sightings.search(probe, SightingFilter(limit=1)).hits[0].sighting.id == new.id


def test_templates_of_another_model_are_never_compared(lawful: SQLiteGallery) -> None:
    keep(lawful, 1)
    lawful.sightings.keep(analysis(2, [person(1, 1, digest=clip_digest(2), model_id="model-b")]), HOURS)
    hits = lawful.sightings.search(template(1), SightingFilter()).hits
    assert [hit.sighting.clip_digest for hit in hits] == [clip_digest(1)]
    hits = lawful.sightings.search(template(1, "model-b"), SightingFilter()).hits
    assert [hit.sighting.clip_digest for hit in hits] == [clip_digest(2)]
    assert lawful.sightings.vectors("model-b").clip_digests == (clip_digest(2),)


def test_templates_come_in_parts(lawful: SQLiteGallery) -> None:
    kept = [keep(lawful, seed)[0] for seed in range(5)]
    first = lawful.sightings.vectors(MODEL, limit=3)
    second = lawful.sightings.vectors(MODEL, after=first.cursor, limit=3)
    assert (*first.ids, *second.ids) == tuple(item.id for item in kept)
    assert (len(first.ids), second.cursor) == (3, 0)
    assert np.array_equal(np.concatenate([first.vectors, second.vectors]), np.stack([unit(seed) for seed in range(5)]))


def test_a_name_follows_from_what_is_known(lawful: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = lawful.enroll("Ada", reference(clips, 3))
    ben, _, _, _ = lawful.enroll("Ben", reference(clips, 4))
    seen = person(1, 7, digest=clip_digest(1), decision=decided(ada.id))
    [kept] = lawful.sightings.keep(analysis(1, [seen]), HOURS)

    def now() -> tuple[str | None, Naming]:
        read = lawful.sightings.get(kept.id)
        return read.identity_id, read.naming

    assert now() == (ada.id, Naming.IDENTIFIED)
    assert lawful.sightings.vectors(MODEL).ids == ()
    _, said = lawful.save_verdict(verdict(ada.id, VerdictWord.WRONG, seen.probe))
    assert now() == (None, Naming.NOBODY)
    assert lawful.sightings.get(kept.id).not_people == {ada.id}
    assert lawful.sightings.vectors(MODEL).ids == (kept.id,)
    lawful.save_verdict(verdict(ben.id, VerdictWord.CONFIRMED, seen.probe))
    assert now() == (ben.id, Naming.CONFIRMED)
    lawful.merge(ben.id, ada.id)
    assert now() == (ada.id, Naming.CONFIRMED)
    lawful.undo()
    lawful.undo()
    assert now() == (None, Naming.NOBODY)
    lawful.undo(said.id)
    assert now() == (ada.id, Naming.IDENTIFIED)
    lawful.merge(ada.id, ben.id)
    assert now() == (ben.id, Naming.IDENTIFIED)
    found, total = lawful.sightings.find(SightingFilter(identity_id=ben.id))
    assert ([item.id for item in found], total) == ([kept.id], 1)
    lawful.empty_trash()
    assert now() == (ben.id, Naming.IDENTIFIED)
    lawful.remove(ben.id)
    assert now() == (None, Naming.NOBODY)
    lawful.undo()
    assert now() == (ben.id, Naming.IDENTIFIED)
    check(lawful)


@pytest.mark.parametrize("sighting_first", [True, False])
def test_who_is_enrolled_from_a_sighting_is_its_name(lawful: SQLiteGallery, clips: Path, sighting_first: bool) -> None:
    new = replace(reference(clips, 5), clip_digest=clip_digest(1))  # box 0 of frames 0 and 1
    kept = keep(lawful, 1, 7, 8) if sighting_first else []
    cleo, _, _, change = lawful.enroll("Cleo", new)
    kept = kept or keep(lawful, 1, 7, 8)
    named = [lawful.sightings.get(item.id) for item in kept]
    assert [(item.identity_id, item.naming) for item in named] == [
        (cleo.id, Naming.ENROLLED),
        (None, Naming.NOBODY),
    ]
    assert change is not None
    lawful.undo(change.id)
    assert lawful.sightings.get(kept[0].id).identity_id is None


def test_unknown_people_go_first_and_held_ones_stay(tmp_path: Path, clips: Path) -> None:
    now = datetime(2026, 4, 12, tzinfo=UTC)
    gallery = SQLiteGallery(tmp_path / "gallery", clock=lambda: now)
    gallery.set_default_basis(TEST_BASIS)
    people = [gallery.enroll(name, reference(clips, seed))[0] for seed, name in ((3, "Ada"), (4, "Ben"))]
    digest = clip_digest(1)
    seen = [
        person(number, 6 + number, digest=digest, decision=decided(who))
        for number, who in ((1, people[0].id), (2, people[1].id), (3, None))
    ]
    ada, ben, unknown = gallery.sightings.keep(analysis(1, seen), HOURS)
    gallery.hold(people[1].id)
    assert gallery.sightings.get(ben.id).keep_until == ""

    def left() -> set[str]:
        assert gallery.sightings.count() == len(gallery.sightings.find(SightingFilter())[0])
        return {item.id for item in gallery.sightings.find(SightingFilter())[0]}

    now += timedelta(hours=73)
    assert left() == {ada.id, ben.id}
    assert gallery.sightings.search(template(9), SightingFilter()).compared == 2
    assert gallery.sightings.purge_overdue() == 1
    assert unknown.crop is not None
    assert not unknown.crop.exists()
    gallery.set_retention(Retention(1, 2))
    assert left() == {ada.id, ben.id}  # what became overdue by that stays for a day
    now += timedelta(hours=25)
    assert left() == {ben.id}
    assert gallery.sightings.purge_overdue() == 1
    with pytest.raises(OnLegalHold):
        gallery.sightings.remove([ben.id])
    gallery.release(people[1].id)
    assert left() == {ben.id}
    now += timedelta(hours=25)
    assert gallery.sightings.purge_overdue() == 1
    check(gallery)


def test_who_is_named_meanwhile_is_kept_as_long_as_references(tmp_path: Path, clips: Path) -> None:
    now = datetime(2026, 4, 12, tzinfo=UTC)
    gallery = SQLiteGallery(tmp_path / "gallery", clock=lambda: now)
    gallery.set_default_basis(TEST_BASIS)
    ada, _, _, _ = gallery.enroll("Ada", reference(clips, 3))
    seen = person(1, 7, digest=clip_digest(1))
    [kept] = gallery.sightings.keep(analysis(1, [seen]), HOURS)
    gallery.save_verdict(verdict(ada.id, VerdictWord.CONFIRMED, seen.probe))
    now += timedelta(days=20)
    assert gallery.sightings.purge_overdue() == 0
    assert gallery.sightings.get(kept.id).identity_id == ada.id
    now += timedelta(days=11)
    assert gallery.sightings.purge_overdue() == 1


def test_erasing_somebody_takes_their_sightings(lawful: SQLiteGallery, clips: Path) -> None:
    ada, _, _, _ = lawful.enroll("Ada", reference(clips, 3))
    ben, _, _, _ = lawful.enroll("Ben", reference(clips, 4))
    seen = [
        person(1, 7, digest=clip_digest(1), decision=decided(ada.id)),
        person(2, 8, digest=clip_digest(1), decision=decided(ben.id)),
        person(3, 9, digest=clip_digest(1), decision=decided(None, ada.id, 0.4)),
    ]
    gone, bens, unknown = lawful.sightings.keep(analysis(1, seen), HOURS)
    gone_crop = seen[0].crop
    assert len(lawful.traces(ada.id).pictures) == 3  # two of the reference, one of the sighting
    lawful.erase(ada.id)
    certificate = lawful.erasure_of(ada.id)
    assert certificate is not None
    assert certificate.counts["sightings"] == 1
    assert {item.id for item in lawful.sightings.find(SightingFilter())[0]} == {bens.id, unknown.id}
    left = lawful.sightings.get(unknown.id).decision
    assert left is not None
    assert (left.candidate_id, left.score) == (None, None)
    assert not any(lawful.remains(certificate).values())
    assert traces_in(lawful, gone_crop, unit(7).astype("<f4").tobytes(), gone.id.encode()) == []
    assert lawful.sightings.search(template(7), SightingFilter()).compared == 2
    check(lawful)


def test_a_crash_leaves_rows_and_crops_or_neither(lawful: SQLiteGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gallery_files, "write_atomically", fail)
    with pytest.raises(Exception, match="disk is full"):
        keep(lawful, 1)
    monkeypatch.undo()
    assert lawful.sightings.count() == 0
    keep(lawful, 1)
    check(lawful)
    assert len(list(lawful.folder.rglob("*.jpg"))) == 1


def test_a_backup_holds_them_and_a_removed_one_does_not_come_back(lawful: SQLiteGallery, clips: Path) -> None:
    lawful.enroll("Ada", reference(clips, 3))
    stays, goes = (keep(lawful, seed)[0] for seed in (1, 2))
    backup = lawful.folder.parent / "backup.zip"
    lawful.backups.back_up(backup)
    lawful.sightings.remove([goes.id])
    lawful.backups.restore(backup, replace=True)
    assert [item.id for item in lawful.sightings.find(SightingFilter())[0]] == [stays.id]
    read = lawful.sightings.get(stays.id)
    assert read.crop is not None
    assert read.crop.is_file()
    check(lawful)


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        SightingFilter(since=datetime(2026, 4, 12))
    with pytest.raises(ValueError, match="source is known"):
        ClipTime(NOON)
