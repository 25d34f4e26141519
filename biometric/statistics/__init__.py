"""Error rates of comparisons and their confidence intervals: shared by calibration and evaluation."""
