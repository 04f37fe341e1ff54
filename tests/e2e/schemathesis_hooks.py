"""Put names of existing things into the document that schemathesis reads, so that its valid requests can succeed.

The test writes `values.json` (path in `VALUES`) next to its other files: {name of a field or parameter: [values]}.
"""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis

VALUES = "CLIPFERRY_SCHEMATHESIS_VALUES"


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    values = json.loads(Path(os.environ[VALUES]).read_text())
    for operations in raw_schema["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in values:
                    parameter["schema"] = {"type": "string", "enum": values[parameter["name"]]}
    schemas = raw_schema["components"]["schemas"]
    for name, field in schemas["ImportBody"]["properties"].items():
        if name == "exact_paths":
            field["items"] = {"type": "string", "enum": values[name]}
        elif name in values:
            field["anyOf"] = [{"type": "string", "enum": values[name]}, {"type": "null"}]
    schemas["SetBody"]["properties"]["views"]["additionalProperties"] = {
        "type": "string",
        "enum": values["exact_paths"],
    }
