from functools import cache

from service.aws.s3.session import own_session
from service.aws.s3.state_files import S3StateFiles

STATE_CONNECTIONS = 10


@cache
def state_files(bucket: str) -> S3StateFiles:
    return S3StateFiles(own_session(connections=STATE_CONNECTIONS), bucket)
