"""The scripts that make the schema, in order.

Old and new versions run side by side while a deployment rolls: a script only adds, and what it
adds is optional to whoever does not know of it. A function that changes gets a new name.
"""
