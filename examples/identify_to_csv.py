"""Say who the people of a clip are, as CSV on the standard output.

python examples/identify_to_csv.py demo/visit-2-everybody.mp4 > people.csv
"""

import csv
import sys

import biometric


def main(clip: str) -> None:
    """Identify everybody in `clip`; the gallery must not be empty."""
    with biometric.open_service() as service:
        people = service.identify(service.observe(clip))
    table = csv.writer(sys.stdout)
    table.writerow(["person", "first_frame", "last_frame", "decision", "name", "score"])
    for person in people:
        track = person.observation.tracklet
        name = "" if person.identity is None else person.identity.name
        score = "" if person.score is None else f"{person.score:.3f}"
        table.writerow(
            [person.observation.person, track.first_frame, track.last_frame, person.decision.value, name, score]
        )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python examples/identify_to_csv.py CLIP", file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except biometric.BiometricError as error:
        sys.exit(str(error))
