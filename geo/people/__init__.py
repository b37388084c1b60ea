"""People with an account, how they prove who they are, and the keys of machines."""
