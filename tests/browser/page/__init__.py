"""The parts of the page that explains a study."""
