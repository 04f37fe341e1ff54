"""The functions. Each module parses its event, calls one function of `service`, and returns."""
