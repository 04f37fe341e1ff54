"""JSON in rows, as many bytes long as the limits of fields count."""

import json
from typing import Any

from pynamodb.attributes import JSONAttribute

from service.domain.limits import is_unicode


class TextJSONAttribute(JSONAttribute):
    """Stores characters as they are: pynamodb's escapes take up to three times as many bytes."""

    def serialize(self, value: Any) -> str | None:
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False)
        return text if is_unicode(text) else json.dumps(value)
