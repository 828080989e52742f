"""The page that trains the study's networks in the browser."""
