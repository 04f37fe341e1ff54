"""What imports, clips, manifest entries and destinations are: frozen data and pure rules. Imports no other package."""
