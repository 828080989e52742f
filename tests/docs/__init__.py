"""The documentation: what is generated must not be stale."""
