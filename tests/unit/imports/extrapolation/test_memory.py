"""A hostile layer meets the function's own limit, not the end of its process."""

import io
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.paths import ROOT

TRY = """
import sys
from lambdas.wiring.extrapolate import limit_memory
from service.imports.extrapolation.layer import extrapolate
limit_memory()
body = sys.stdin.buffer.read()
try:
    extrapolate(body, body, 0.5)
except MemoryError:
    print("out of memory")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_layer_that_unpacks_to_a_gigabyte_is_a_memory_error() -> None:
    rows = pa.table(
        {
            "key": [{"timestamp_micros": 0}] * 10,
            "obstacle": [{"trackline_id": "a" * 4 * 1024**2, "center": {"x": 1.0, "y": 2.0, "z": 3.0}}] * 10,
        }
    )
    body = io.BytesIO()
    with pq.ParquetWriter(
        body, rows.schema, compression="zstd", use_dictionary=False, write_statistics=False
    ) as writer:
        for _ in range(25):
            writer.write_table(rows)
    assert len(body.getvalue()) < 1024**2
    env = {
        name: value for name, value in os.environ.items() if name.startswith(("PATH", "PYTHON", "POWERTOOLS", "HOME"))
    }
    done = subprocess.run(
        [sys.executable, "-c", TRY],
        input=body.getvalue(),
        env=env | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "600", "AWS_DEFAULT_REGION": "eu-west-1"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"out of memory\n"), done.stderr.decode()[-2_000:]
