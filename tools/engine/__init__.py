"""The build engine: what is out of date, where it is trained, and how it is committed to DVC."""
