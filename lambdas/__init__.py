"""The Lambda functions. Each module parses its event, calls one function of `service` and returns the result."""
