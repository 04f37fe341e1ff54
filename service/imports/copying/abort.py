"""Abort a multipart upload and forget its row."""

import logging

from service.domain.errors import ObjectError, SourceUnavailable
from service.domain.objects import LargeCopy
from service.ports.objects import LargeCopyStore, Storage

log = logging.getLogger(__name__)


def remove_upload(upload: LargeCopy, storage: Storage, uploads: LargeCopyStore) -> bool:
    """Abort the upload, then forget it. False where the store refuses; raises `SourceUnavailable`."""
    try:
        if upload.upload_id:
            storage.abort(upload.destination, upload.upload_id)
        else:
            storage.abort_begun_since(upload.destination, upload.begun_at)
    except SourceUnavailable:
        raise
    except ObjectError as error:
        log.warning("an unfinished upload of job %s stays: %s", upload.job_id, error.code)
        return False
    uploads.remove(upload)
    return True
