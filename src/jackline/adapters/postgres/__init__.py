"""The store in one Postgres database: for as many workers and machines as are wanted."""
