"""The NomadicML API: `/api/…` as the SDKs `nomadicml` and `nomadic` call it, on the same service functions."""

from lambdas.routes.nomadic import folders, integrations, jobs, session, uploads, videos

ROUTERS = (session.router, uploads.router, jobs.router, videos.router, folders.router, integrations.router)
