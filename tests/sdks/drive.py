"""Makes calls of an SDK, run by the interpreter of that SDK's own environment: `drive.py MODULE CLASS BASE_URL`.

The key is in the environment as API_KEY. Each line of standard input is a call as JSON,
`{"call": "cloud_integrations.add", "args": […], "kwargs": {…}}`; each line of standard output is its outcome,
`{"returned": …}` or `{"raised": {"type", "status", "text"}}`.
"""

import importlib
import json
import operator
import os
import sys


def main() -> None:
    module, name, base_url = sys.argv[1:]
    client = getattr(importlib.import_module(module), name)(api_key=os.environ["API_KEY"], base_url=base_url)
    for line in sys.stdin:
        asked = json.loads(line)
        call = operator.attrgetter(asked["call"])(client)
        try:
            outcome = {"returned": call(*asked["args"], **asked["kwargs"])}
        except Exception as error:  # noqa: BLE001  # any exception is a result
            status = getattr(error, "status_code", None)
            outcome = {"raised": {"type": type(error).__name__, "status": status, "text": str(error)}}
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
