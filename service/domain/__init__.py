"""What an import, a clip, a manifest entry and a destination are: frozen data and pure rules. Imports nothing of ours."""
