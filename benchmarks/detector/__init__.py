"""How the classifier of texts is trained, and what it is worth: see docs/detector.md."""
