"""Read a bucket as an integration does, for `benchmarks.list --through`."""

import json
import os
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.sources.gcs import gcs_with_account
from service.sources.objects import SourceObjects
from service.sources.patient import PatientSource
from service.sources.s3 import S3Keys, s3_with_keys
from service.web.addresses import AddressRule


def through_keys(endpoint_url: str | None) -> SourceObjects:
    """Return what reads a bucket of AWS by an integration's keys; with an endpoint, one that stands for AWS."""
    keys = S3Keys(
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        session_token=os.environ.get("AWS_SESSION_TOKEN"),
        endpoint_url=endpoint_url,
    )
    adapter = s3_with_keys(keys, rule=AddressRule(allow_private=True))
    return SourceObjects(source=PatientSource(replace(adapter, of_aws=True)))


def through_account(endpoint_url: str) -> SourceObjects:
    """Return what reads a bucket of Google by an integration's service account; the endpoint stands for Google."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    account = {
        "type": "service_account",
        "client_email": "bench@example.com",
        "private_key": pem.decode(),
        "token_uri": f"{endpoint_url}/token",
    }
    adapter = gcs_with_account(json.dumps(account), rule=AddressRule(allow_private=True), endpoint=endpoint_url)
    return SourceObjects(source=PatientSource(replace(adapter, of_google=True)))
