"""Sessions woken by procrastinate, a task queue in the journal's own Postgres database."""
