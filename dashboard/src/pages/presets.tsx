export function Presets() { return null; }
