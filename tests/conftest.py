"""For all tests: nothing of the user's own AWS set-up reaches them."""

from local.config import isolate_process

isolate_process()
