"""Complete imports: final status, report, notifications, deletion, and the sweep that finds lost imports."""
