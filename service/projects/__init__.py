"""What a project owns besides its imports: keys, folders, presets, integrations and the audit log."""
