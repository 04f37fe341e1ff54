"""Which buckets the service reads for its callers. Roles say the same; this holds where roles are not enforced."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceAccess:
    buckets: Collection[str]
    """The deploy settings' source buckets and the drop bucket."""

    def refusal(self, bucket: str) -> str | None:
        """A sentence that says why `bucket` may not be read, or None where it may."""
        if bucket in self.buckets:
            return None
        return f"the service may not read bucket {bucket}: it is not among the deploy settings' source buckets"
