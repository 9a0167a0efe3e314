"""Other frameworks on the same scripted work, each in an environment of its own."""
