"""Unknown people as JSON."""

from typing import Any

from biometric.entities.sighting_groups import GroupCounts, SightingGroup


def group_json(group: SightingGroup) -> dict[str, Any]:
    """Return a group; times in ISO 8601, UTC, null where unknown; `examples` are files of the best pictures."""
    return {
        "group": group.number,
        "state": group.state.value,
        "sightings": list(group.sighting_ids),
        "clips": group.clips,
        "cameras": list(group.cameras),
        "first_at": None if group.first_at is None else group.first_at.isoformat(),
        "last_at": None if group.last_at is None else group.last_at.isoformat(),
        "examples": [str(example.crop) for example in group.examples if example.crop is not None],
    }


def counts_json(counts: GroupCounts) -> dict[str, Any]:
    """Return what a grouping did."""
    return {
        "sightings": counts.sightings,
        "groups": counts.groups,
        "alone": counts.alone,
        "joined": counts.joined,
        "linked": counts.linked,
    }
