"""How other programs speak with jackline: over HTTP, WebSocket, and what others have defined."""
