"""What jackline costs, measured beside other frameworks in the same run."""
