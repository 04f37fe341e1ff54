"""The service as a client of other people's servers. Nothing else opens connections of its own."""
