/** Days and moments of the bureau's own time zone. */
import { bureau } from "./session";

const zone = (): string => bureau.value?.timezone ?? "Asia/Shanghai";
/** `2026-07-16 03:10:00` in the bureau's time. */
export const local = (at: string | number | Date): string => new Date(at).toLocaleString("sv-SE", { timeZone: zone() });
export const dayOf = (at: string | number | Date): string => local(at).slice(0, 10);

/** The moment of a wall clock of the bureau: `2026-07-16T03:10` or `2026-07-16 03:10` → ISO; null: it is none. */
export function momentOf(text: string): string | null {
  const found = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2}))?/.exec(text.trim());
  if (!found) return null;
  const [year, month, day, hour = 0, minute = 0] = found.slice(1).map((part) => Number(part ?? 0));
  const guess = Date.UTC(year, month - 1, day, hour, minute);
  if (Number.isNaN(guess) || new Date(guess).getUTCDate() !== day) return null;
  return new Date(guess - (Date.parse(`${local(guess).replace(" ", "T")}Z`) - guess)).toISOString();
}

/** The next or previous month of `2026-07`. */
export function monthAfter(month: string, by: number): string {
  const [year, number] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** Every day of `2026-07`. */
export function daysOf(month: string): string[] {
  const [year, number] = month.split("-").map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length: count }, (_, n) => `${month}-${String(n + 1).padStart(2, "0")}`);
}

/** 0 = Monday. */
export const weekday = (day: string): number => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
export const dayAfter = (day: string, by = 1): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);
