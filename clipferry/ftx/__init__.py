"""The modules that Foretify scripts import as `ftx`. `clipferry ftx` provides them; no package `ftx` is installed."""
