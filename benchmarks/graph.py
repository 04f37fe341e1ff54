"""Count the children of a package and the imports between them.

`python -m benchmarks.graph` prints one line per package (by default `service` and `service.imports`): the number of its
direct children (`rooms`), the number of pairs with an import between them (`arrows`), and the first cycle. A child
includes everything below it. Imports for the type checker count too.
"""

import argparse
import json
from graphlib import CycleError, TopologicalSorter

import grimp

PACKAGES = ("service", "service.imports")


def counted(package: str) -> dict[str, object]:
    """`{"package", "rooms", "arrows", "cycle"}`; `cycle` names the first cycle's children, or is None.

    Raises `ModuleNotFoundError` if there is no such package.
    """
    graph = grimp.build_graph(package.partition(".")[0], cache_dir=".cache/import-linter")
    rooms = graph.find_children(package)
    arrows = {
        room: {
            other
            for other in rooms - {room}
            if graph.direct_import_exists(importer=room, imported=other, as_packages=True)
        }
        for room in rooms
    }
    try:
        TopologicalSorter(arrows).prepare()
        cycle = None
    except CycleError as error:
        cycle = [room.removeprefix(f"{package}.") for room in error.args[1]]
    return {"package": package, "rooms": len(rooms), "arrows": sum(map(len, arrows.values())), "cycle": cycle}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="*", default=PACKAGES, metavar="PACKAGE")
    for package in parser.parse_args().packages:
        print(json.dumps(counted(package)))


if __name__ == "__main__":
    main()
