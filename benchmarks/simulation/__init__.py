"""A whole import on modelled AWS, in virtual time: `benchmarks.simulate` runs it."""
