import pytest

from service.errors import InvalidUri
from service.uris import Location, parse_object, parse_prefix


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("s3://my-clips/a/b%20c?d#e.zip", Location("s3", "my-clips", "a/b%20c?d#e.zip")),
        ("gs://my_clips/a//b.zip", Location("gs", "my_clips", "a//b.zip")),
        ("gs://clips.example.com/x", Location("gs", "clips.example.com", "x")),
        ("hf://buckets/maker/my.clips_1/runs/a@1.mp4", Location("hf", "maker/my.clips_1", "runs/a@1.mp4")),
    ],
)
def test_an_object_and_back(uri: str, location: Location) -> None:
    assert parse_object(uri) == location
    assert str(location) == uri


@pytest.mark.parametrize(
    "uri", ["s3://bucket", "gs://bucket/", "hf://buckets/maker/clips", "hf://buckets/maker/clips/"]
)
def test_a_bucket_is_a_prefix_and_no_object(uri: str) -> None:
    assert parse_prefix(uri).key == ""
    with pytest.raises(InvalidUri, match="names a bucket but no object"):
        parse_object(uri)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "is not an s3://, gs:// or hf://buckets/ URI"),
        ("s3:/bucket/key", "is not an s3://"),
        ("https://bucket/key", "is not an s3://"),
        ("gs:bucket/key", "is not an s3://"),
        ("s3://B/key", "is not an S3 bucket name"),
        ("gs://Bucket/key", "is not a Google Cloud Storage bucket name"),
        ("gs://a..b/key", "is not a Google Cloud Storage bucket name"),
        (f"gs://{'a' * 64}/key", "is not a Google Cloud Storage bucket name"),
        ("gs://bucket/..", "no objects named"),
        ("gs://bucket/a\nb", "no line breaks"),
        (f"gs://bucket/{'é' * 513}", "has 1026 bytes, Google Cloud Storage allows 1024"),
        ("gs://bucket/\ud800", "is not valid Unicode"),
        ("hf://maker/clips/a", "only buckets are read"),
        ("hf://datasets/maker/clips/a", "only buckets are read"),
        ("hf://buckets/maker", "is not a name on Hugging Face"),
        ("hf://buckets/maker/clips@main/a", "is not a name on Hugging Face"),
        ("hf://buckets/../clips/a", "is not a name on Hugging Face"),
    ],
)
def test_mistakes_have_a_sentence(uri: str, reason: str) -> None:
    with pytest.raises(InvalidUri, match=reason) as caught:
        parse_object(uri)
    assert caught.value.message.isascii()
