import pytest

from service.domain.errors import UnsafeUrl
from service.web.addresses import AddressRule

PUBLIC = "93.184.216.34"


def test_every_address_of_a_name_must_be_public() -> None:
    AddressRule(resolve=lambda *_: [PUBLIC]).check("https://store.example.com:9000/path")
    for found in (["10.0.0.1"], [PUBLIC, "10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"], []):
        with pytest.raises(UnsafeUrl, match="must resolve to public addresses only"):
            AddressRule(resolve=lambda *_, found=found: found).check("https://store.example.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://store.example.com",
        "ftp://store.example.com",
        "store.example.com",
        "https://",
        "https://user:password@store.example.com",
        "https://[::1",
        "https://store.example.com:port",
    ],
)
def test_a_malformed_or_unsafe_url_is_rejected_without_resolving(url: str) -> None:
    with pytest.raises(UnsafeUrl) as caught:
        AddressRule(resolve=lambda *_: [PUBLIC]).check(url)
    assert "password@" not in caught.value.message


def test_a_name_without_an_address() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    with pytest.raises(UnsafeUrl, match="has no address"):
        AddressRule(resolve=fail).check("https://store.example.com")


def test_private_ones_where_the_deployment_allows_them() -> None:
    AddressRule(allow_private=True).check("http://127.0.0.1:9000")
    for url in ("ftp://127.0.0.1", "http://key:secret@127.0.0.1"):
        with pytest.raises(UnsafeUrl):
            AddressRule(allow_private=True).check(url)
