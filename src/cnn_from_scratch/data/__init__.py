"""From the files that people have to arrays, and to tables in files."""
