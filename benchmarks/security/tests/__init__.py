"""What holds of the measure itself. Run by `make verify` in the environment of the measure."""
