"""`clipferry cancel`"""

from clipferry.cli.app import App
from clipferry.cli.follow import started, watchable
from clipferry.cli.ids import import_argument
from clipferry.cli.verbs import verb


@verb()
@import_argument
@watchable
def cancel(app: App, *, import_id: str, watch: bool, timeout: float | None) -> None:
    """Cancel an import. No more clips are copied; copied clips stay."""
    job = app.client.imports.cancel(import_id)
    started(app, job, f"import {job.id} is being cancelled", watch=watch, timeout=timeout)
