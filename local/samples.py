"""The repository's sample clips, and the buckets that a new local stack has beside the deployed ones."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from local.config import FORBIDDEN_BUCKET, FORBIDDEN_KEY, SAMPLES, SAMPLES_PREFIX, SOURCE_BUCKET

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def sample_files() -> list[Path]:
    """The sample clips of the repository, in a stable order."""
    return sorted(path for path in SAMPLES.rglob("*") if path.is_file() and not path.name.startswith("."))


def fill_buckets(s3: "S3Client") -> None:
    """Make the source bucket with all sample clips, and the forbidden bucket with one object."""
    s3.create_bucket(Bucket=SOURCE_BUCKET)
    s3.create_bucket(Bucket=FORBIDDEN_BUCKET)
    files = sample_files()
    s3.upload_file(str(files[0]), FORBIDDEN_BUCKET, FORBIDDEN_KEY)

    def upload(path: Path) -> None:
        s3.upload_file(str(path), SOURCE_BUCKET, SAMPLES_PREFIX + path.relative_to(SAMPLES).as_posix())

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(upload, files))
