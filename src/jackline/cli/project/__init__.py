"""What `jackline new` writes: an agent project that runs as it stands."""
