"""Host names of S3 by region and partition, as botocore's endpoint rules give them.

Asking those rules takes a client for each region, of 20 to 100 ms of CPU.
"""

from service.domain.errors import InvalidSettings

_SUFFIXES = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}
"""Of the partitions `aws-cn` and `aws-eusc`, by the beginning of their regions' names."""
_SUFFIX = "amazonaws.com"
"""Of `aws` and `aws-us-gov`."""


def s3_host(region: str, *, fips: bool = False, dualstack: bool = False) -> str:
    """Return S3's host in a region. Raises `InvalidSettings` where S3 has no FIPS endpoint in the whole partition."""
    if fips and region.startswith("cn-"):
        raise InvalidSettings("S3 has no FIPS endpoints in China: unset AWS_USE_FIPS_ENDPOINT (use_fips_endpoints)")
    suffix = next((found for beginning, found in _SUFFIXES.items() if region.startswith(beginning)), _SUFFIX)
    return f"s3{'-fips' if fips else ''}{'.dualstack' if dualstack else ''}.{region}.{suffix}"


def access_point_host(arn: str, host: str) -> str:
    """Return an access point's host (S3 user guide, "Using access points"). `host`: S3's own in its region."""
    *_, account, resource = arn.split(":")
    return f"{resource.removeprefix('accesspoint/')}-{account}.{host.replace('s3', 's3-accesspoint', 1)}"


def region_of(arn: str) -> str:
    """Return the region of an access point."""
    return arn.split(":")[3]


def is_s3_host(host: str) -> bool:
    """Whether the host is S3's own: it takes buckets in the host, and has regions."""
    return host.endswith(tuple(f".{suffix}" for suffix in (_SUFFIX, *_SUFFIXES.values())))


def in_region(host: str, region: str) -> str:
    """Return S3's host of the same kind in another region."""
    return s3_host(region, fips=host.startswith("s3-fips."), dualstack=".dualstack." in host)
