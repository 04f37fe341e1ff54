"""`clipferry open`"""

import webbrowser

from clipferry.cli.app import App
from clipferry.cli.verbs import verb


@verb(name="open")
def open_(app: App) -> None:
    """Open the dashboard in a browser, and print its URL. It asks for the key: no URL ever holds one."""
    url = f"{app.client.where.base_url}/app/"
    webbrowser.open(url)
    app.out.done({"url": url}, url, subject=url)
