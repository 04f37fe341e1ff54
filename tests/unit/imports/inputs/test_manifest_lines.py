"""Lines of a caller's manifest."""

import json
from typing import Any

import pytest

from service.domain.errors import InvalidManifest
from service.domain.uris import s3_at
from service.imports.inputs.manifest_lines import BadLine, Layout, Line, csv_layout, inventory, jsonl

HERE = s3_at("source", "p/a b.zip")
CRC = "CRC64NVME:AAAAAAAAAAA="
# The example of the S3 user guide, "Amazon S3 Inventory list", without what follows the ETag.
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass"


def read(layout: Layout, text: str) -> Line:
    line = layout(text)
    assert line is not None
    return line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"uri": "s3://source/p/a b.zip"}, Line(location=HERE)),
        ({"bucket": "source", "key": "p/a b.zip"}, Line(location=HERE)),
        (
            {"uri": str(HERE), "size": 0, "etag": '"abc"', "version": "v", "checksum": CRC, "destination": "d/x.zip"},
            Line(location=HERE, size=0, etag="abc", version="v", checksum=CRC, destination="d/x.zip"),
        ),
        ({"uri": str(HERE), "size": None, "etag": None, "remark": [1]}, Line(location=HERE)),
        (
            {"uri": str(HERE), "last_modified": "2026-01-01T01:00:00+01:00"},
            Line(location=HERE, modified="2026-01-01T00:00:00.000Z"),
        ),
        ({"uri": "s3://source/line\nbreak%20"}, Line(location=s3_at("source", "line\nbreak%20"))),
    ],
)
def test_json_lines(fields: dict[str, Any], line: Line) -> None:
    assert jsonl(json.dumps(fields)) == line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ('"s3://source/a"', "not a JSON object"),
        ("{}", "neither a uri nor a bucket and a key"),
        ('{"bucket": "source"}', "neither a uri"),
        ('{"uri": "s3://source/a", "key": "a"}', "both a uri and"),
        ('{"uri": "http://source/a"}', "s3://, gs:// or hf:// URI"),
        ('{"uri": "s3://source/"}', "no object"),
        ('{"uri": 3}', "uri is not text"),
        ('{"uri": "s3://source/a", "size": "7"}', "size is not a whole number"),
        ('{"uri": "s3://source/a", "size": true}', "size is not a whole number"),
        ('{"uri": "s3://source/a", "size": -1}', "not a number of bytes"),
        ('{"uri": "s3://source/a", "etag": "a b"}', "not an ETag"),
        ('{"uri": "s3://source/a", "version": ""}', "not a version"),
        ('{"uri": "s3://source/a", "checksum": "CRC64NVME"}', "checksum is not KIND:base64"),
        ('{"uri": "s3://source/a", "checksum": "MD5:AAAA"}', "checksum is not KIND:base64"),
        ('{"uri": "s3://source/a", "checksum": "CRC32:AAAAAAAAAAA="}', "checksum is not KIND:base64"),
        ('{"uri": "s3://source/a", "last_modified": "2026-01-01"}', "no zone"),
        ('{"uri": "s3://source/a", "last_modified": "now"}', "not an ISO"),
        ('{"uri": "s3://source/a", "last_modified": "9999-12-31T23:59:59-14:00"}', "not an ISO"),
    ],
)
def test_bad_json_lines_say_what_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(BadLine, match=problem):
        jsonl(text)


@pytest.mark.parametrize(
    ("header", "text", "line"),
    [
        ("uri", "s3://source/p/a b.zip", Line(location=HERE)),
        ('"URI", Size', '"s3://source/p/a b.zip",7', Line(location=HERE, size=7)),
        ("Key,Bucket,remark", "p/a b.zip,source,x", Line(location=HERE)),
        ("uri,etag,version_id", "s3://source/p/a b.zip,,v", Line(location=HERE, version="v")),
        ("uri", '"s3://source/a,""b"""', Line(location=s3_at("source", 'a,"b"'))),
        ("bucket,key", "source,a%20b+c", Line(location=s3_at("source", "a%20b+c"))),
    ],
)
def test_csv_with_a_header(header: str, text: str, line: Line) -> None:
    layout, has_header = csv_layout(header)
    assert has_header
    assert read(layout, text) == line


@pytest.mark.parametrize("text", ["s3://source/a", "s3://source/a,1,2", '"s3://source/a,1', 's3://source/a,"1"x'])
def test_csv_lines_that_do_not_fit_their_header_are_bad(text: str) -> None:
    with pytest.raises(BadLine):
        csv_layout("uri,size")[0](text)


E = "9a7a37f6d5e9e4f0a2f3e6b1c0d8a7b6"
T = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"source","p/a+b.zip"', Line(location=HERE)),
        ('"source","p/a%20b.zip","7"', Line(location=HERE, size=7)),
        (f'"source","p/a+b.zip","7","{T}","{E}"', Line(location=HERE, size=7, modified=T, etag=E)),
        (
            f'"source","p/a+b.zip","v1","true","false","7","{T}","{E}","STANDARD"',
            Line(location=HERE, size=7, modified=T, etag=E, version="v1"),
        ),
        ('"source","p/a+b.zip","v1","false","false","7"', None),
        ('"source","p/a+b.zip","v1","true","true",""', None),
        ('"source","folder/","0"', None),
        ("source,%E6%97%A5%2B.zip", Line(location=s3_at("source", "日+.zip"))),
    ],
)
def test_lines_of_an_inventory_are_known_by_their_shape(text: str, line: Line | None) -> None:
    layout, has_header = csv_layout(text)
    assert not has_header
    assert layout(text) == line


def test_an_inventorys_schema_names_its_columns() -> None:
    layout = inventory(SCHEMA)
    assert read(layout, f"source,p/a+b.zip,v1,true,false,7,{T},{E},STANDARD").etag == E
    assert layout(f"source,p/a+b.zip,v1,false,false,7,{T},{E},STANDARD") is None
    assert read(inventory("Key, Bucket"), "p/a+b.zip,source") == Line(location=HERE)
    with pytest.raises(BadLine, match="2 columns, the fileSchema 9"):
        layout("source,a")
    with pytest.raises(BadLine, match="URL-encoded"):
        layout(f"source,%FF,v1,true,false,7,{T},{E},STANDARD")
    with pytest.raises(InvalidManifest):
        inventory("Key, Size")


@pytest.mark.parametrize("first", ["", "a", "http://x/y", "s3://source/a", "uri,size,size", "No,Such,Columns", '"open'])
def test_a_csv_that_begins_as_none_does_is_refused_with_its_line(first: str) -> None:
    with pytest.raises(InvalidManifest, match="line 1"):
        csv_layout(first)
