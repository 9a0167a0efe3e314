"""What the security stack holds: replayed attacks of AgentDojo, and redaction of generated text."""
