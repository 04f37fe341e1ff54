"""`/api/…`: the calls of the SDKs `nomadicml` and `nomadic`, on the same service functions as `/v1`."""

from lambdas.routes.nomadic import folders, integrations, jobs, session, uploads, videos

ROUTERS = (session.router, uploads.router, jobs.router, videos.router, folders.router, integrations.router)
