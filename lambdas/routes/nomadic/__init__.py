"""The NomadicML door: `/api/…` as the SDKs `nomadicml` and `nomadic` call it, onto the same service functions."""

from lambdas.routes.nomadic import folders, integrations, jobs, session, uploads, videos

ROUTERS = (session.router, uploads.router, jobs.router, videos.router, folders.router, integrations.router)
