"""The root of all errors that Sightline raises on purpose, and the one that belongs to no branch."""


class BiometricError(Exception):
    """Base of all errors raised on purpose. `str(error)` is a message for a person.

    Example:
        >>> try:
        ...     service.observe("demo/nothing.mp4")
        ... except biometric.BiometricError as error:
        ...     print(type(error).__name__)
        ClipNotFound
    """


class TooManyJobs(BiometricError):
    """Too many jobs wait for the models of this server."""
