"""Deleting people for good, everywhere that the application wrote about them, and finding out whether they are gone."""
