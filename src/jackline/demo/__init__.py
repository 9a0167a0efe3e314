"""The same shop assistant twice: in the loop of every tutorial, and on jackline."""
