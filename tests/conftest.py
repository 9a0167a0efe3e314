"""What holds for all tests."""

import pytest

# Before anything imports them: their assertions say what was compared.
pytest.register_assert_rewrite("jackline.testing.conformance", "tests.simulation", "tests.kill")
