"""The root of all errors that Sightline raises on purpose."""


class BiometricError(Exception):
    """Base of all errors raised on purpose. `str(error)` is a message for a person.

    Example:
        >>> try:
        ...     service.observe("demo/nothing.mp4")
        ... except biometric.BiometricError as error:
        ...     print(type(error).__name__)
        ClipNotFound
    """
