// What a code means and what to do: the sentences of the service's own source.
import texts from "../generated/codes.json";

export function meaning(code: string | null): string {
  return (code && (texts as Record<string, string>)[code]) || "";
}
