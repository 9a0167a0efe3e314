"""jackline: the production runtime for AI agents."""
