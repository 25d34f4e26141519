"""Error rates of the system: data sets, protocols, error rates with intervals, robustness, reports, calibration.

The metrics (`error_rates`, `intervals`, `ranking`, `open_set`, `blocks`, `groups`) are arithmetic in numpy.
Nothing is imported here, so that the app loads none of it before an evaluation runs.
"""
