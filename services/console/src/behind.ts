/** The address on the desk that shows what stands behind something on the wall. */
import type { Kind } from "./matters";

export const deskOf = (kind: Kind | "statistic" | "street" | "list", id: string): string =>
  `/desk?open=${encodeURIComponent(`${kind}/${id}`)}`;

/** `[kind, id]` that an address asks the desk to open; null: nothing. */
export function asked(search: string): [string, string] | null {
  const text = new URLSearchParams(search).get("open") ?? "";
  const at = text.indexOf("/");
  return at > 0 ? [text.slice(0, at), text.slice(at + 1)] : null;
}
