"""Unknown people as sentences."""

from biometric.entities import Threshold
from biometric.entities.sighting_groups import GroupCounts, GroupState, SightingGroup
from biometric.messages import decimal
from biometric.messages.counted import counted
from biometric.messages.sighting_sentences import describe_camera
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext


def describe_counts(counts: GroupCounts, threshold: Threshold) -> str:
    """Return what a grouping found, and from which score on sightings are one person."""
    text = _("{sightings} without a name: {groups}, {alone} alone (one person from a mean score of {value} on).")
    return text.format(
        sightings=count_sightings(counts.sightings),
        groups=ngettext("{n:,} group", "{n:,} groups", counts.groups).format(n=counts.groups),
        alone=f"{counts.alone:,}",
        value=decimal(threshold.value, 3),
    )


def describe_group(group: SightingGroup) -> str:
    """Return how often, where and when an unknown person was seen."""
    parts = [count_sightings(len(group.sighting_ids)), counted(group.clips, "clip")]
    named = ", ".join(map(describe_camera, group.cameras))
    parts.append(named)
    if group.first_at is not None and group.last_at is not None:
        first, last = (time.strftime("%Y-%m-%d %H:%M") for time in (group.first_at, group.last_at))
        parts.append(first if first == last else _("{first} to {last}").format(first=first, last=last))
    if group.state is GroupState.IGNORED:
        parts.append(_("ignored"))
    return ", ".join(parts)


def count_sightings(count: int) -> str:
    """Return how many sightings there are."""
    return ngettext("{n:,} sighting", "{n:,} sightings", count).format(n=count)
