"""The doors of settlement over HTTP."""
