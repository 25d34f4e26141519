"""Sightline: enroll, verify and identify people in video by person re-identification.

Importing this package is cheap: no model, no vendor library is loaded until it is needed.
Start from `biometric.bootstrap.build` for a ready-made service.
"""

__version__ = "0.2.0"
