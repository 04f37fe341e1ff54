"""Abort a multipart upload and forget its row."""

import logging

from service.domain.errors import ObjectError, SourceUnavailable
from service.domain.objects import LargeCopy
from service.ports.objects import LargeCopyStore, Uploads

log = logging.getLogger(__name__)


def remove_upload(upload: LargeCopy, bucket: Uploads, uploads: LargeCopyStore) -> bool:
    """Abort the upload, then forget it. False where the store refuses; raises `SourceUnavailable`."""
    try:
        if upload.upload_id:
            bucket.abort(upload.destination, upload.upload_id)
        else:
            bucket.abort_begun_since(upload.destination, upload.begun_at)
    except SourceUnavailable:
        raise
    except ObjectError as error:
        log.warning("an unfinished upload of job %s stays: %s", upload.job_id, error.code)
        return False
    uploads.remove(upload)
    return True
