"""Make the emulator (ministack) as strict as AWS where it forgives.

Each module changes one thing, by wrapping the emulator's own functions. The emulator's modules come as arguments, since
its packages are in an environment of their own. `__main__.py` applies all changes and starts the emulator.
"""
