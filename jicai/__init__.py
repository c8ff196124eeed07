"""The command line and the composition: the only place where the four services meet."""
