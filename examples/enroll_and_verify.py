"""Enroll a person of one clip, then check whether a person of another clip is the same.

python examples/enroll_and_verify.py demo/visit-1-beige-coat.mp4 demo/visit-2-beige-coat.mp4
"""

import sys

import biometric

NAME = "Ada Lovelace"


def main(enrolled: str, probe: str) -> None:
    """Enroll the only person of `enrolled`, verify the only person of `probe`."""
    with biometric.open_service() as service:
        basis = {"basis": "consent", "purpose": "trying Sightline"}
        enrollment = service.enroll(service.observe(enrolled), NAME, add=True, **basis)  # add: also when run again
        print(f"{NAME}: {enrollment.reference.template.sample_count} samples")
        verification = service.verify(service.observe(probe), NAME)
        print(f"{verification.decision}: score {verification.score:.3f}, threshold {verification.threshold.value:.3f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print("usage: python examples/enroll_and_verify.py ENROLLED_CLIP PROBE_CLIP", file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except biometric.BiometricError as error:
        sys.exit(str(error))
