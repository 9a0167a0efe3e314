"""Who may do what: effective rights are those of user, agent and tool together (docs/security.md).

`rules` are what operators say, `overlay` what becomes of an agent under them, `reading` how they
are written, and `verdict` what all of it means for one call.
"""
