"""The library of kept footage: clips with their observations and answers, in a database and folders of its own."""
