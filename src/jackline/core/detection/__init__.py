"""Whether a text tries to instruct the model that reads it: features, a linear head, a question.

Nothing here authorises anything: a hit is a reason to flag, to ask or to distrust.
"""
