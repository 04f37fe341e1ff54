"""Clock, paging, settings and threads: helpers that know nothing of imports."""
