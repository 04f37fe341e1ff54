"""A whole import on a model of AWS, in virtual time. `benchmarks.simulate` runs it."""
