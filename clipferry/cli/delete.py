"""`clipferry delete`"""

from clipferry.cli.app import App
from clipferry.cli.ids import confirmed, import_argument
from clipferry.cli.verbs import verb


@verb()
@import_argument
@confirmed
def delete(app: App, *, import_id: str, yes: bool) -> None:
    """Delete the record of an ended import. Its clips stay."""
    app.confirm(f"Delete the record of import {import_id}? This cannot be undone.", yes=yes, always=True)
    app.client.imports.delete(import_id)
    app.out.done({"id": import_id, "deleted": True}, f"import {import_id} is deleted", subject=import_id)
