"""`python -m biometric models list | fetch | check`."""
