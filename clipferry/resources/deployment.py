# Generated from clipferry/aio/resources/deployment.py by `make client`: change that file.
"""`/v1/deployment` and `/v1/health`."""

from clipferry.decode import decode
from clipferry.models.deployment import Deployment as Settings
from clipferry.models.deployment import DeploymentHealth
from clipferry.models.deployment import Health as ProjectHealth
from clipferry.resources.base import Resource


class Deployment(Resource):
    """`/v1/deployment`."""

    def get(self) -> Settings:
        """Return the settings and limits of the deployment."""
        return decode(Settings, self._http.call("GET", "/v1/deployment", repeatable=True))

    def health(self) -> DeploymentHealth:
        """Return the deployment's slots, queues and alarms. Needs the admin key; others raise `Forbidden`."""
        return decode(DeploymentHealth, self._http.call("GET", "/v1/deployment/health", repeatable=True))


class Health(Resource):
    """`/v1/health`."""

    def get(self) -> ProjectHealth:
        """Return what is queued, throttled and failing in the project. The admin key raises `Forbidden`."""
        return decode(ProjectHealth, self._http.call("GET", "/v1/health", repeatable=True))
