"""Stream one object of another store through this process, like a copy function for an integration with keys.

`python -m benchmarks.stream --endpoint-url URL --source-bucket B --key K --destination-bucket D`, with credentials from
the usual environment variables for both ends; without `--endpoint-url`, from S3 to S3. Parts, memory and connections
are those of a default deployment; only the upload's record is kept in this process instead of a table. Prints one JSON
line: `bytes`, `verified`, `seconds`, `cpu_seconds`, `peak_rss_mb` of the process, and `start_rss_mb` before the copy.
"""

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.copy import storage_of as own_storage_of
from benchmarks.measure import Stopwatch, as_program, peak_rss_mb, use_endpoint
from service.aws.clients import s3_client, sts_client
from service.aws.s3.storage import S3Storage
from service.domain.manifest import ManifestEntry
from service.domain.objects import Copied, LargeCopy
from service.domain.projects import Integration, IntegrationState, IntegrationType
from service.domain.requests import ImportSettings, OnExisting
from service.domain.uris import Location, s3_at
from service.imports.copying.multipart import LargeCopies
from service.imports.planning.existing import look_up, settled_by
from service.sources.build import IntegrationSources
from service.sources.memory import Memory
from service.sources.stream_copy import StreamCopy
from service.sources.streaming import StreamingStorage
from service.web.addresses import AddressRule
from stacks.settings import DeploySettings

INTEGRATION = "in_benchmark"
NOW = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class OwnKeys:
    """This process's credentials, as an integration's secret."""

    def get(self, _name: str) -> str:
        names = ("access_key_id", "secret_access_key", "session_token")
        return json.dumps({name: os.environ.get(f"AWS_{name.upper()}") for name in names})


@dataclass
class OneUpload:
    """The record of the upload of the one object."""

    kept: LargeCopy | None = None

    def claim(self, copy: LargeCopy) -> LargeCopy:
        self.kept = self.kept or copy
        return self.kept

    def update(self, copy: LargeCopy) -> bool:
        self.kept = copy
        return True

    def remove(self, _copy: LargeCopy) -> None:
        self.kept = None


def storage_of(bucket: str, clips_bucket: str, endpoint_url: str | None, deploy: DeploySettings) -> StreamingStorage:
    """Return the storage that `lambdas.wiring` makes."""
    sources = IntegrationSources(
        secrets=OwnKeys(),  # type: ignore[arg-type]
        rule=AddressRule(allow_private=True),
        sts=sts_client,
        connections=deploy.copy_threads,
    )
    copier = StreamCopy(
        client=s3_client(connections=deploy.copy_threads, sign_bodies=False),
        clips_bucket=clips_bucket,
        memory=Memory(deploy.stream_memory_bytes, reused=deploy.stream_part_bytes),
        part_bytes=deploy.stream_part_bytes,
    )
    integration = Integration(
        id=INTEGRATION,
        project="benchmark",
        name="benchmark",
        type=IntegrationType.S3,
        bucket=bucket,
        region=None if endpoint_url else os.environ["AWS_DEFAULT_REGION"],
        endpoint_url=endpoint_url,
        secret_name=INTEGRATION,
        with_credentials=True,
        state=IntegrationState.READY,
        touched_at=NOW,
        created_at=NOW,
        created_by=None,
        request_digest="",
    )
    return StreamingStorage(copier=copier, source=sources.opened_by(integration))


def planned(storage: StreamingStorage, bucket: S3Storage, at: Location, destination: str) -> ManifestEntry:
    """Return the entry that planning would write for the object."""
    found = storage.source.stat(at)
    entry = ManifestEntry(
        ordinal=0,
        source_uri=str(at),
        destination=destination,
        size=found.size,
        etag=found.etag,
        integration=INTEGRATION,
    )
    existing = look_up(bucket, bucket.clips_bucket, destination)
    return settled_by(entry, found, existing, OnExisting.OVERWRITE, by_time=False)


def copy(storage: StreamingStorage, bucket: S3Storage, entry: ManifestEntry, deploy: DeploySettings) -> Copied:
    """Copy in parts if the object is larger than one part."""
    if (entry.size or 0) <= deploy.stream_part_bytes:
        return storage.copy(entry, ImportSettings())
    with ThreadPoolExecutor(deploy.copy_threads) as parts:
        large = LargeCopies(
            job_id="ij_benchmark",
            bucket=bucket,
            uploads=OneUpload(),  # type: ignore[arg-type]
            clock=lambda: NOW,
            part_bytes=deploy.part_bytes,
            stream_part_bytes=deploy.stream_part_bytes,
            pool=parts,
            check=lambda: None,
            advanced=lambda: None,
        )
        return large.copy(entry, storage, ImportSettings())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint-url")
    parser.add_argument("--source-bucket", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--destination-bucket", required=True)
    parser.add_argument("--destination-prefix", default="benchmark", help="the copy is written to {this}/{key}")
    given = parser.parse_args()
    use_endpoint(given.endpoint_url)
    at, deploy, watch = s3_at(given.source_bucket, given.key), DeploySettings(), Stopwatch()
    storage = storage_of(given.source_bucket, given.destination_bucket, given.endpoint_url, deploy)
    bucket = own_storage_of(given.destination_bucket, deploy.copy_threads)
    entry = planned(storage, bucket, at, f"{given.destination_prefix}/{given.key}")
    before = peak_rss_mb()
    with watch:
        copied = copy(storage, bucket, entry, deploy)
    memory = {"peak_rss_mb": round(peak_rss_mb(), 1), "start_rss_mb": round(before, 1)}
    print(json.dumps({"bytes": copied.size, "verified": copied.verified} | watch.figures() | memory))


if __name__ == "__main__":
    as_program(main)
