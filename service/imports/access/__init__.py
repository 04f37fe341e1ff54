"""Which access opens a source, and where its clips may go."""
