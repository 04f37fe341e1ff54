"""How objects of every provider are named."""

import pytest

from service.domain.errors import InvalidUri
from service.domain.uris import Location, parse_object, parse_prefix


@pytest.mark.parametrize(
    ("uri", "location"),
    [
        ("s3://my-clips/a/b%20c?d#e.zip", Location("s3", "my-clips", "a/b%20c?d#e.zip")),
        (
            "s3://arn:aws:s3:eu-west-1:111122223333:accesspoint/fleet/a/b.zip",
            Location("s3", "arn:aws:s3:eu-west-1:111122223333:accesspoint/fleet", "a/b.zip"),
        ),
        ("s3://fleet-x1y2-s3alias/a.zip", Location("s3", "fleet-x1y2-s3alias", "a.zip")),
        ("gs://my_clips/a//b.zip", Location("gs", "my_clips", "a//b.zip")),
        ("gs://clips.example.com/x", Location("gs", "clips.example.com", "x")),
        ("hf://datasets/maker/clips/a/b.zip", Location("hf", "datasets/maker/clips", "a/b.zip")),
        ("hf://models/maker/clips@v1.0/b.bin", Location("hf", "models/maker/clips@v1.0", "b.bin")),
        (
            "hf://datasets/maker/clips@refs%2Fpr%2F1/b.zip",
            Location("hf", "datasets/maker/clips@refs%2Fpr%2F1", "b.zip"),
        ),
        ("hf://buckets/maker/my.clips_1/runs/a@1.mp4", Location("hf", "maker/my.clips_1", "runs/a@1.mp4")),
    ],
)
def test_an_object_and_back(uri: str, location: Location) -> None:
    assert parse_object(uri) == location
    assert str(location) == uri


@pytest.mark.parametrize(
    "uri", ["s3://bucket", "s3://bucket/", "gs://bucket/", "hf://buckets/maker/clips", "hf://buckets/maker/clips/"]
)
def test_a_bucket_is_a_prefix_and_no_object(uri: str) -> None:
    assert parse_prefix(uri).key == ""
    with pytest.raises(InvalidUri, match="names a bucket but no object"):
        parse_object(uri)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "is not an s3://, gs:// or hf:// URI"),
        ("s3:/bucket/key", "is not an s3://"),
        ("https://bucket/key", "is not an s3://"),
        ("gs:bucket/key", "is not an s3://"),
        ("s3://B/key", "is not an S3 bucket name"),
        ("s3://fleet--use1-az4--x-s3/key", "directory buckets .* are not supported; copy its objects into a general"),
        (
            "s3://arn:aws:s3::111122223333:accesspoint/mfzwi23gnjvgw.mrap/k",
            "only those of S3 access points in one region",
        ),
        ("s3://arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/f/k", "only those of S3 access points"),
        ("s3://arn:aws:s3:eu-west-1:111122223333:accesspoint/fleet", "names a bucket but no object"),
        ("gs://Bucket/key", "is not a Google Cloud Storage bucket name"),
        ("gs://a..b/key", "is not a Google Cloud Storage bucket name"),
        (f"gs://{'a' * 64}/key", "is not a Google Cloud Storage bucket name"),
        ("gs://bucket/..", "no objects named"),
        ("gs://bucket/a\nb", "no line breaks"),
        (f"gs://bucket/{'é' * 513}", "has 1,026 bytes, Google Cloud Storage allows 1,024"),
        ("gs://bucket/\ud800", "is not valid Unicode"),
        ("hf://maker/clips/a", "only buckets, datasets and models are read"),
        ("hf://spaces/maker/clips/a", "only buckets, datasets and models are read"),
        ("hf://datasets/maker/clips@/a", "'' is not a revision"),
        ("hf://datasets/maker/clips@a b/a", "'a b' is not a revision; write a slash in it as %2F"),
        ("hf://buckets/maker", "is not a name on Hugging Face"),
        ("hf://buckets/maker/clips@main/a", "is not a name on Hugging Face"),
        ("hf://buckets/../clips/a", "is not a name on Hugging Face"),
    ],
)
def test_mistakes_have_a_sentence(uri: str, reason: str) -> None:
    with pytest.raises(InvalidUri, match=reason) as caught:
        parse_object(uri)
    assert caught.value.message.isascii()


@pytest.mark.parametrize(
    "key",
    [
        "clip.zip",
        "日本語/кадр 1.mp4",
        "a b+c%20d.zip",
        "q?versionId=1#fragment",
        "//double//slashes/",
        "../up/./here",
        "s3://nested",
        "tab\tand\nnewline",
        "x" * 1024,
        "ü" * 512,
    ],
)
def test_a_key_is_taken_verbatim(key: str) -> None:
    parsed = parse_object(f"s3://bucket/{key}")
    assert (parsed.bucket, parsed.key) == ("bucket", key)
    assert str(parsed) == f"s3://bucket/{key}"


@pytest.mark.parametrize(
    "uri",
    ["", "s3", "gs", "hf", "bucket/key", "/bucket/key", "http://bucket/key", "S3://bucket/key", "s3:/bucket/key"],
)
def test_another_scheme_is_refused(uri: str) -> None:
    with pytest.raises(InvalidUri, match="is not an s3://, gs:// or hf:// URI"):
        parse_prefix(uri)


@pytest.mark.parametrize(
    "bucket", ["", "ab", "x" * 64, "Upper", "under_score", "-start", "end-", "spa ce", "ünï", "a/../b"[:1], "buck\net"]
)
def test_a_bad_bucket_name_is_refused(bucket: str) -> None:
    with pytest.raises(InvalidUri, match="is not an S3 bucket name"):
        parse_prefix(f"s3://{bucket}/key")


@pytest.mark.parametrize("key", ["x" * 1025, "ü" * 513])
def test_a_key_beyond_1024_bytes_is_refused(key: str) -> None:
    with pytest.raises(InvalidUri, match="S3 allows 1,024"):
        parse_object(f"s3://bucket/{key}")


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidUri, match="not valid Unicode"):
        parse_object("s3://bucket/\ud800")


def test_a_refusal_quotes_the_uri_so_that_it_cannot_break_a_log_line() -> None:
    with pytest.raises(InvalidUri) as caught:
        parse_object("http://bucket/\x1b[31m\n" + "x" * 5000)
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("uri", "zip_key", "member"),
    [
        ("hf://datasets/a/b@v1/camera/x.chunk_0000.zip!/c1.mp4", "camera/x.chunk_0000.zip", "c1.mp4"),
        ("s3://bucket/A.ZIP!/folder/!/b.zip!/c", "A.ZIP", "folder/!/b.zip!/c"),
        ("gs://clips/a.zip!/", "a.zip", ""),
    ],
)
def test_a_member_follows_its_zip(uri: str, zip_key: str, member: str) -> None:
    location = parse_prefix(uri)
    assert location.zip == location.at(zip_key)
    assert (location.member, str(location)) == (member, uri)


@pytest.mark.parametrize("key", ["a.zip", "a.zip!b", "a!/b.mp4", "a.zipx!/b", "zip!/b"])
def test_any_other_name_is_an_object_s(key: str) -> None:
    location = parse_object(f"s3://my-clips/{key}")
    assert (location.zip, location.member) == (None, "")
