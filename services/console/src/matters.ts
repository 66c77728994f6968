/** What the hub tells of: its words for matters, and what follows from one of them alone. */

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Told = Record<string, any>;

export interface Matter extends Told {
  id: string;
  state: string;
  region: string;
  status: string;
  changed: string;
  due: string | null;
}

export const KINDS = [
  "alert", "notice", "callout", "loop", "feed", "channel", "response", "alarm", "shift", "silence", "drill",
] as const;
export type Kind = (typeof KINDS)[number];
export const LIST: Record<Kind, string> = {
  alert: "alerts", notice: "notices", callout: "callouts", loop: "loops", feed: "feeds", channel: "channels",
  response: "responses", alarm: "alarms", shift: "duty", silence: "silences", drill: "drills",
};

export const RANK: Record<string, number> = { red: 4, orange: 3, yellow: 2, blue: 1, none: 0 };
const OVER: Partial<Record<Kind, string[]>> = {
  alert: ["ended"],
  notice: ["acknowledged", "lifted", "withdrawn"],
  callout: ["answered", "exhausted", "lifted", "superseded", "closed", "expired"],
  response: ["ended", "withdrawn", "refused", "dropped"],
  silence: ["ended"],
  drill: ["ended", "completed"],
};

export function isOpen(kind: Kind, m: Matter): boolean {
  if (kind === "loop") return !m.closed && m.state !== "closed";
  return !OVER[kind]?.includes(m.state);
}

export const rank = (m: Matter): number => RANK[m.level] ?? 0;

/** Of a feed: whether it is later than it promised, but not yet silent. */
export const isLate = (m: Matter, now: number): boolean =>
  m.state === "live" && !!m.cadence_seconds && !!m.last && now - Date.parse(m.last) > m.cadence_seconds * 1000;

/** A callout that nobody has answered while its warning holds. */
export const unanswered = (m: Matter): boolean => ["calling", "escalated", "exhausted"].includes(m.state);

export function isOverdue(m: Matter, now: number): boolean {
  if ((m.clocks ?? []).some((clock: Told) => clock.overdue)) return true;
  return m.state === "overdue" || (!!m.due && Date.parse(m.due) <= now && isOpen("loop", m));
}

/** Milliseconds, for sorting: the hub's moments come with several offsets. */
export const time = (at: string | null | undefined): number => Date.parse(at ?? "") || 0;
export const byOpening = (a: Matter, b: Matter): number => time(a.opened) - time(b.opened) || a.id.localeCompare(b.id);

export const bySeverity = (a: Matter, b: Matter): number =>
  rank(b) - rank(a) || time(b.issued) - time(a.issued);

/** Seconds in the middle; null without any. */
export function median(numbers: number[]): number | null {
  const sorted = [...numbers].sort((a, b) => a - b);
  if (!sorted.length) return null;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
