"""Presets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clipferry.decode import Model


@dataclass(frozen=True, kw_only=True)
class Preset(Model):
    """Saved settings of imports (the API calls them execution settings)."""

    id: str
    name: str
    settings: Mapping[str, Any]
    created_at: str
    updated_at: str
    description: str | None = None
