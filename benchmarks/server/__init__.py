"""What the server carries: a process that serves, and clients of raw sockets in another."""
