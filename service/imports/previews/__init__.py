"""What an import would do, cost and take, by a dry run of the planner."""
