"""Of the package; pyproject.toml has it from here."""

VERSION = "0.1.0"
