"""What AWS says about the deployment, as a test sets it."""

from collections import Counter

from service.ports.health import Alarm, Queue


class FakeMonitor:
    """Implements `DeploymentMonitor`."""

    def __init__(self) -> None:
        self.known: list[Alarm] = []
        self.waiting: Counter[str] = Counter()
        """Messages by the name of the queue."""

    def alarms(self) -> list[Alarm]:
        return self.known

    def queue(self, name: str) -> Queue:
        return Queue(name=name, waiting=self.waiting[name], in_flight=0)
