"""A job gets its final status, its report and its notifications; the sweep finds what was lost."""
