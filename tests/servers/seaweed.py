"""SeaweedFS as a store that speaks S3, with identities of its own."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.process import HOST, free_ports, running


@dataclass(frozen=True)
class Identity:
    access_key_id: str
    secret_access_key: str
    actions: tuple[str, ...]


ADMIN = Identity("ADMINKEY", "admin-secret-never-shown", ("Admin", "Read", "List", "Write", "Tagging"))
READER = Identity("READERKEY", "reader-secret-never-shown", ("Read:clips", "List:clips"))
"""May list and read the bucket `clips` and nothing else."""


@contextmanager
def seaweed(folder: Path) -> Iterator[str]:
    """The endpoint's URL."""
    folder.mkdir(parents=True)
    identities = [
        {
            "name": who.access_key_id.lower(),
            "credentials": [{"accessKey": who.access_key_id, "secretKey": who.secret_access_key}],
            "actions": who.actions,
        }
        for who in (ADMIN, READER)
    ]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": identities}))
    s3, master, volume, filer = free_ports(4)
    command = [
        str(Path(sys.executable).parent / "weed"),
        *("server", f"-dir={folder}", f"-ip={HOST}", f"-ip.bind={HOST}", "-master.volumeSizeLimitMB=256"),
        *("-filer", "-s3", f"-s3.config={config}", f"-s3.port={s3}", "-volume.max=50"),
        *("-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
    ]
    with running(command, log=folder / "log", ready_url=f"http://{HOST}:{s3}/"):
        yield f"http://{HOST}:{s3}"
