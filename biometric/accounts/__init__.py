"""Who may sign in, and what each role may do. Off until somebody is added, or `SIGHTLINE_LOGIN` is set."""
