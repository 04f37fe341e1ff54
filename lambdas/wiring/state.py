from functools import cache

from service.aws.session import own_session
from service.aws.state import S3StateFiles

STATE_CONNECTIONS = 10


@cache
def state_files(bucket: str) -> S3StateFiles:
    return S3StateFiles(own_session(connections=STATE_CONNECTIONS), bucket)
