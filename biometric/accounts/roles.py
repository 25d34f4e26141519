"""The roles of people, each of which may do all that the one before it may."""

from enum import StrEnum

from biometric.errors import InvalidInput
from biometric.messages.translation import N_


class Role(StrEnum):
    """What somebody may do.

    A viewer looks at people, footage that was kept, and calibrations. An examiner also uploads footage, verifies,
    identifies, and says whether an answer is right; the people of the gallery stay as they are. An operator also
    enrolls people and edits them. An admin also calibrates, exports, imports and erases, and adds users.
    """

    VIEWER = "viewer"
    EXAMINER = "examiner"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


ROLE_NAMES = {
    Role.VIEWER: N_("viewer"),
    Role.EXAMINER: N_("examiner"),
    Role.OPERATOR: N_("operator"),
    Role.ADMIN: N_("admin"),
}
"""What the roles are called."""
ROLE_LIMITS = {
    Role.VIEWER: N_("This role looks at people, kept footage and calibrations. Ask an admin for more."),
    Role.EXAMINER: N_("This role verifies and identifies, and leaves people as they are. Ask an admin for more."),
    Role.OPERATOR: N_("Calibrating, exporting, importing and erasing need an admin."),
}
"""What a role may not do, in a sentence."""


def read_role(text: str) -> Role:
    """Return the role of a name. Raises `InvalidInput`: there is none."""
    try:
        return Role(text.strip().lower())
    except ValueError as error:
        raise InvalidInput("The role must be one of {roles}, got {role}.", roles=", ".join(Role), role=text) from error


def lesser(first: Role, second: Role) -> Role:
    """Return the role of the two that may do less."""
    return second if first.includes(second) else first
