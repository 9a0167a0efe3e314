"""Ready-made tools, and what one needs to write such tools safely."""
