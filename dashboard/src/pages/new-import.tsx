export function NewImport() { return null; }
