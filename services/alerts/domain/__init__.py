"""Rules of figures (指标口径): pure functions of the facts known."""
