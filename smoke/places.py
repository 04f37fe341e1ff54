"""What the checks write into buckets, and its removal."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smoke.checks import Skipped, expect

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
CLIPS = sorted((SAMPLES / "clipgt").glob("*.zip"))[:3]
VIEWS = {view: SAMPLES / "video" / "set01" / f"{view}.mp4" for view in ("front", "left", "right")}
VEHICLES = 40
TOTAL = VEHICLES * len(CLIPS)
"""Clips of the prefix."""
PART_BYTES = 64 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Places:
    """All keys hold the run's own name. `s3` is a client of boto3's."""

    s3: Any
    run: str
    source: str | None
    drop: str
    clips: str
    large_bytes: int
    webhook_url: str | None = None
    other_region_bucket: str | None = None
    kms_bucket: str | None = None
    prefixes: set[tuple[str, str]] = field(default_factory=set)
    """Buckets and prefixes that were written to."""

    def put(self, name: str, body: Path | bytes, bucket: str | None = None) -> str:
        """Put a source object and return its URI."""
        bucket = bucket or self.source
        if bucket is None:
            raise Skipped("source_buckets names no bucket; name one with --source-bucket")
        prefix = f"clipferry-smoke/{self.run}/"
        self.prefixes.add((bucket, prefix))
        self.s3.put_object(
            Bucket=bucket, Key=prefix + name, Body=body if isinstance(body, bytes) else body.read_bytes()
        )
        return f"s3://{bucket}/{prefix}{name}"

    @property
    def root(self) -> str:
        return f"s3://{self.source}/clipferry-smoke/{self.run}/fleet/"

    def lay_out_fleet(self) -> None:
        for vehicle in range(VEHICLES):
            for clip in CLIPS:
                self.put(f"fleet/{vehicle:02}/{clip.name}", clip)

    def drop_clip(self) -> None:
        prefix = f"inbox/{self.run}/"
        self.prefixes.add((self.drop, prefix))
        self.s3.put_object(Bucket=self.drop, Key=f"{prefix}dropped.zip", Body=CLIPS[2].read_bytes())

    def put_large(self) -> tuple[str, int]:
        """Have S3 put an object together from copies of one part; return its URI and the number of parts."""
        part = min(PART_BYTES, self.large_bytes // 2)
        bucket, _, seed = self.put("seed", bytes(part)).removeprefix("s3://").partition("/")
        where = {"Bucket": bucket, "Key": seed.replace("seed", "large.mp4")}
        upload = self.s3.create_multipart_upload(**where)["UploadId"]
        parts = []
        for number in range(1, self.large_bytes // part + 1):
            source = {"Bucket": bucket, "Key": seed}
            told = self.s3.upload_part_copy(**where, UploadId=upload, PartNumber=number, CopySource=source)
            parts.append({"PartNumber": number, "ETag": told["CopyPartResult"]["ETag"]})
        self.s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
        return f"s3://{bucket}/{where['Key']}", len(parts)

    def head(self, uri: str) -> tuple[int, str]:
        """Size and ETag."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        head = self.s3.head_object(Bucket=bucket, Key=key)
        return head["ContentLength"], head["ETag"]

    def empty(self) -> int:
        """Remove every version and unfinished upload of the run; return how many versions there were."""
        removed = 0
        for bucket, prefix in sorted({*self.prefixes, (self.clips, f"{self.run}/")}):
            for upload in self.s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", []):
                self.s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
            for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                every = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
                told = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys}) if keys else {}
                expect(not told.get("Errors"), told.get("Errors"))
                removed += len(keys)
        return removed
