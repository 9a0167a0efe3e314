"""Count the legitimate texts that cleaning changes: `python -m benchmarks.security.cleaning`."""

import json

from tests.core.sanitise.legitimate import LEGITIMATE, SAMPLES

from jackline.core.sanitise import clean

if __name__ == "__main__":
    changed = sum(clean(text).text != text for _, text in SAMPLES)
    note = f"{len(SAMPLES)} texts of {len(LEGITIMATE)} scripts and kinds"
    print(json.dumps({"cleaned": {"value": changed, "unit": "texts", "note": note}}))
