"""The schema's numbered scripts. One that was released never changes: write the next one."""
