"""SeaweedFS as an S3-compatible store with its own identities."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import GRPC_OFFSET, HOST, free_ports, running


@dataclass(frozen=True)
class Identity:
    access_key_id: str
    secret_access_key: str
    actions: tuple[str, ...]


ADMIN = Identity("ADMINKEY", "admin-secret-never-shown", ("Admin", "Read", "List", "Write", "Tagging"))
READER = Identity(
    "READERKEY", "reader-secret-never-shown", ("Read:clips", "List:clips", "Read:versions", "List:versions")
)
"""May only list and read the buckets `clips` and `versions`."""

DELETER = Identity("DELETERKEY", "deleter-secret-never-shown", ("Read:clips", "List:clips", "Write:clips"))
"""May also delete objects of `clips`."""

OWN = Identity(
    "OWNKEY",
    "own-secret-never-shown",
    (
        *("Read:clips", "List:clips", "Read:versions", "List:versions", "Read:landing", "List:landing"),
        *("Write:landing", "Tagging:clips", "Tagging:landing"),
    ),
)
"""May read `clips` and write `landing`, as the service's own role."""


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """Run SeaweedFS with its data, log and sockets in `folder`, which must not exist; yields the endpoint's URL."""
    folder.mkdir(parents=True)
    identities = [
        {
            "name": who.access_key_id.lower(),
            "credentials": [{"accessKey": who.access_key_id, "secretKey": who.secret_access_key}],
            "actions": who.actions,
        }
        for who in (ADMIN, DELETER, OWN, READER)
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    s3, master, volume, filer = free_ports(4)
    command = [
        str(Path(sys.executable).parent / "weed"),
        *("server", f"-dir={folder}", f"-ip={HOST}", f"-ip.bind={HOST}"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
        *("-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=50"),
        *("-filer", "-s3", f"-s3.config={folder / 's3.json'}", "-s3.iam=false"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        # Relative to the process's folder: a unix socket's path is limited to 107 bytes.
        *("-filer.localSocket=filer.sock", "-s3.localSocket=s3.sock"),
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env |= {"HOME": str(folder), "TMPDIR": str(folder)}
    url = f"http://{HOST}:{s3}"
    # Its identities are loaded once it rejects requests without a key.
    grpc = {"master": master, "volume": volume, "filer": filer, "s3": s3}
    try:
        with running(command, log=folder / "log", ready_url=f"{url}/", ready_status=403, env=env):
            yield url
    finally:
        for name, port in grpc.items():
            # No option changes the folder of these sockets, and a killed process leaves them.
            Path(f"/tmp/seaweedfs-{name}-grpc-{port + GRPC_OFFSET}.sock").unlink(missing_ok=True)
