"""Sessions woken by Temporal, for those who run it."""
