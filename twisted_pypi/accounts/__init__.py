"""Who may log in: the password file in force, and the ``twisted.cred`` parts around it."""
