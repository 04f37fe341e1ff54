"""Preview an import by a dry run of the planner: results, cost and time."""
