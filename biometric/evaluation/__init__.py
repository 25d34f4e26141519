"""How often the system is wrong: data sets, protocols, error rates with intervals, robustness, reports, calibration.

The metrics (`error_rates`, `intervals`, `ranking`, `open_set`, `blocks`, `groups`) are arithmetic in numpy.
Nothing is imported here, so that the app pays for none of it before an evaluation runs.
"""
