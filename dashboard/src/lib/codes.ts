// What a code means and what to do: the sentences that the command line has, too.
import texts from "../../../clipferry/cli/codes.json";

export function meaning(code: string | null): string {
  return (code && (texts as Record<string, string>)[code]) || "";
}
