"""Who is whom? Split a person in the middle, as where a track went over to somebody else, and join the parts again.

python examples/correct_people.py demo/visit-1-beige-coat.mp4
"""

import sys

import biometric


def main(clip: str) -> None:
    """Print, of each person, how many samples a part has that is split off, and what joining says to it."""
    with biometric.open_service() as service:
        observed = service.observe(clip)
        numbers = {person.person for person in observed.observations}
        for person in observed.observations:
            if len(person.kept) < 2:
                continue
            middle = person.kept[len(person.kept) // 2].detection.frame_index
            parts = service.split(observed, person.person, middle)
            (part,) = [other for other in parts.observations if other.person not in numbers]
            kept, taken = len(person.kept), len(part.kept)
            print(f"person {person.person}: {kept} samples, {taken} of them person {part.person} now")
            joined = service.join(parts, [person.person, part.person], force=True)
            print(f"joined again: {len(joined.observations)} people")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python examples/correct_people.py CLIP", file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except biometric.BiometricError as error:
        sys.exit(str(error))
