"""Run a pipeline of commands on one core, and report what it used.

`python -I -S benchmarks/pipeline.py CORE COMMAND … [| COMMAND …]` prints the last command's output and then one JSON
line: `seconds`, `cpu_seconds` and `peak_rss_mb` of all commands together, with their children. The memory is the sum of
each command's own peak. A process starts with the peak of its parent, so this program imports little: no figure is
below its 10 MB per command. Exits with the status of the first command that failed.
"""

import json
import os
import signal
import sys
import time


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    commands: list[list[str]] = [[]]
    for word in sys.argv[2:]:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    began, started, source = time.perf_counter(), [], os.open(os.devnull, os.O_RDONLY)
    for command in commands:
        following, target = os.pipe() if command is not commands[-1] else (source, os.dup(1))
        ends = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, target, 1)]
        # Python ignores SIGPIPE, and its children would inherit that.
        pid = os.posix_spawnp(command[0], command, os.environ, file_actions=ends, setsigdef=[signal.SIGPIPE])
        started.append(pid)
        os.close(target)
        os.close(source)
        source = following
    ended = [os.wait4(pid, 0) for pid in started]
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": sum(used.ru_utime + used.ru_stime for _, _, used in ended),
        "peak_rss_mb": sum(used.ru_maxrss for _, _, used in ended) / 1024,
    }
    print("\n" + json.dumps(figures), flush=True)
    sys.exit(next((os.waitstatus_to_exitcode(status) % 256 for _, status, _ in ended if status), 0))


if __name__ == "__main__":
    main()
