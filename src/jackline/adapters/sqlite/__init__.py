"""The store in one SQLite file: for a laptop, a test, or a single node."""
