"""The report: statistics, tables and pictures."""
