"""How many people of a clip would be identified at other thresholds? No model runs again for the answer.

python examples/try_thresholds.py demo/visit-2-everybody.mp4
"""

import sys

import biometric


def main(clip: str) -> None:
    """Print, for thresholds around the default, how many people are identified."""
    with biometric.open_service() as service:
        observed = service.observe(clip)
        default = service.threshold("identification")
        print(f"default: {default.value:.3f} ({default.source})")
        for value in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            people = service.identify(observed, threshold=value)
            identified = sum(person.decision is biometric.Decision.IDENTIFIED for person in people)
            print(f"{value:.1f}: {identified} of {len(people)}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: python examples/try_thresholds.py CLIP", file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except biometric.BiometricError as error:
        sys.exit(str(error))
