"""How many replayed attacks get past flow: AgentDojo with a model that obeys every attacker."""
