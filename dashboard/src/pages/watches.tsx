export function Watches() { return null; }
