"""What the security stack finds, misses and costs."""
