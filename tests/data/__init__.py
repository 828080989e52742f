"""Tests of the data package and of the script that makes the workbook."""
