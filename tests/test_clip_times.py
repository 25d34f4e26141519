"""When clips were recorded: by what is given, the name, and the file."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from biometric.entities.clip_times import clip_time, read_pattern, read_zone
from biometric.entities.sightings import TimeSource

HALF_PAST = datetime(2026, 4, 12, 15, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "VID_20260412_153012.mp4",
        "2026-04-12 15.30.12.mov",
        "2026-04-12_15-30-12.mkv",
        "Screen Recording 2026-04-12 at 15.30.12.mov",
        "Front_00_20260412153012.mp4",
        "NVR_ch1_main_20260412153012_20260412160000.mp4",
        "WIN_20260412_15_30_12_Pro.mp4",
        "20260412_153012A.MP4",
        "2026-04-12T15-30-12Z.mp4",
        "PXL_20260412_153012123.mp4",
    ],
)
def test_usual_names_are_read(name: str) -> None:
    time = clip_time(name, None, zone="UTC")
    assert (time.begins_at, time.source) == (HALF_PAST, TimeSource.NAME)


@pytest.mark.parametrize(
    "name", ["clip.mp4", "2026-04-12.mp4", "20261312_153012.mp4", "120260412153012.mp4", "20260230_153012.mp4"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert clip_time(name, None, zone="UTC").source is TimeSource.UNKNOWN


def test_a_phone_that_writes_utc_is_not_moved() -> None:
    time = clip_time("PXL_20260412_153012123.mp4", None, zone="Asia/Tokyo")
    assert (time.begins_at, time.zone_assumed) == (HALF_PAST, False)


def test_what_is_given_counts_then_a_set_pattern_then_the_file_then_usual_names() -> None:
    name, stated = "20260101_000000 12.04.2026-15-30.mp4", "2026-02-02T02:02:02+00:00"
    given = datetime(2026, 3, 3, tzinfo=UTC)
    pattern = "%d.%m.%Y-%H-%M"
    told = [
        clip_time(name, stated, given=given, pattern=pattern, zone="UTC"),
        clip_time(name, stated, pattern=pattern, zone="UTC"),
        clip_time(name, stated, zone="UTC"),
        clip_time(name, None, zone="UTC"),
        clip_time("a.mp4", "nonsense", zone="UTC"),
    ]
    assert [(item.source, item.begins_at) for item in told] == [
        (TimeSource.GIVEN, given),
        (TimeSource.NAME, HALF_PAST.replace(second=0)),
        (TimeSource.FILE, datetime(2026, 2, 2, 2, 2, 2, tzinfo=UTC)),
        (TimeSource.NAME, datetime(2026, 1, 1, tzinfo=UTC)),
        (TimeSource.UNKNOWN, None),
    ]


def test_a_time_without_a_zone_is_of_the_one_that_was_set() -> None:
    time = clip_time("20260412_153012.mp4", None, zone="Europe/Berlin")
    assert time.begins_at is not None
    assert (time.begins_at.utcoffset(), time.zone_assumed) == (timedelta(hours=2), True)
    stated = clip_time("a.mp4", "2026-04-12T15:30:12+05:00", zone="Europe/Berlin")
    assert (stated.begins_at, stated.zone_assumed) == (
        datetime(2026, 4, 12, 15, 30, 12, tzinfo=timezone(timedelta(hours=5))),
        False,
    )
    local = clip_time("20260412_153012.mp4", None)
    assert local.begins_at == datetime(2026, 4, 12, 15, 30, 12).astimezone()


@pytest.mark.parametrize("pattern", ["%Y%m%d", "%Y%m%d%H%M%Q", "%Y%y%m%d%H%M", "%Y%m%d%H%M%H", "%Y%m%d%H%M%", "cam"])
def test_a_pattern_that_cannot_tell_a_time_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="expected %Y or %y"):
        read_pattern(pattern)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc", "Europe"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="expected a zone"):
        read_zone(zone)
