"""Whether counting frames by decoding them can be finished in the time allowed (standard library only)."""

TELLING_SECONDS = 2.0
"""Seconds of decoding that tell how long the rest takes."""

HOPELESS = 2.0
"""Times the time allowed, from which the whole clip would take too long, also if the machine becomes less busy."""


def cannot_finish(spent: float, allowed: float, decoded: float, claimed: float) -> bool:
    """Return whether decoding a clip to its end would take far longer than allowed.

    Args:
        spent, allowed: seconds of decoding; `allowed` may be infinite.
        decoded, claimed: seconds of footage decoded so far, and in all as the file says; 0: it does not.
    """
    return spent >= TELLING_SECONDS and spent * claimed > HOPELESS * allowed * decoded > 0
