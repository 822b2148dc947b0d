"""The benchmarks of cfs. `python -m benchmarks` runs them all; README.md says what they cannot show."""
