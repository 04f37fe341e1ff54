"""`clipferry imports watch`"""

from clipferry.cli.app import App
from clipferry.cli.follow import follow, timeout_option
from clipferry.cli.ids import import_argument
from clipferry.cli.verbs import verb


@verb()
@import_argument
@timeout_option
def watch(app: App, *, import_id: str, timeout: float | None) -> None:
    """Follow an import to its end, like `status --watch`."""
    follow(app, app.client.imports.get(import_id), timeout=timeout)
