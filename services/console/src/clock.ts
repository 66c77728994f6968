/** The server's clock, ticking here; and spans of time as people read them. */
import { ref } from "vue";
import { bureau } from "./session";

let offset = 0;
/** Milliseconds of the server's clock, four times a second at most. */
export const now = ref(Date.now());
setInterval(() => (now.value = Date.now() + offset), 500);

/** What the server says the time is. A heartbeat far from the counters' time is not believed: a test has moved it. */
export function tell(at: string, sure: boolean): void {
  const told = Date.parse(at) - Date.now();
  if (Number.isNaN(told) || (!sure && Math.abs(told - offset) > 15_000)) return;
  offset = told;
  now.value = Date.now() + offset;
}

const two = (n: number): string => String(n).padStart(2, "0");

/** 75 → `01:15`, 3675 → `1:01:15`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** Until a due moment, or since it: `3天4时`, `5时12分`, `07:31`. */
export function distance(milliseconds: number, english = false): string {
  const minutes = Math.floor(Math.abs(milliseconds) / 60_000);
  const [d, h, m] = english ? ["d ", "h ", "m"] : ["天", "时", "分"];
  if (minutes >= 1440) return `${Math.floor(minutes / 1440)}${d}${Math.floor(minutes / 60) % 24}${h}`.trim();
  if (minutes >= 60) return `${Math.floor(minutes / 60)}${h}${minutes % 60}${m}`;
  return span(Math.abs(milliseconds) / 1000);
}

export const since = (at: string | null | undefined): number => (at ? now.value - Date.parse(at) : 0);

function formatted(options: Intl.DateTimeFormatOptions, at: string | number): string {
  const zone = bureau.value?.timezone ?? "Asia/Shanghai";
  return new Intl.DateTimeFormat("zh-CN", { ...options, timeZone: zone, hourCycle: "h23" }).format(new Date(at));
}

export const hm = (at: string | number | null | undefined): string =>
  at ? formatted({ hour: "2-digit", minute: "2-digit" }, at) : "—";
export const hms = (at: string | number): string =>
  formatted({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, at);
export const day = (at: string | number): string =>
  formatted({ year: "numeric", month: "2-digit", day: "2-digit", weekday: "short" }, at);
/** `03:10` today, `07-16 03:10` on another day. */
export function moment(at: string | null | undefined): string {
  if (!at) return "—";
  const short = { month: "2-digit", day: "2-digit" } as const;
  const same = formatted(short, at) === formatted(short, now.value);
  return same ? hm(at) : `${formatted(short, at).replace("/", "-")} ${hm(at)}`;
}
/** The day in the bureau's time zone, `2026-07-16`. */
export const iso = (at: string | number): string =>
  formatted({ year: "numeric", month: "2-digit", day: "2-digit" }, at).replaceAll("/", "-");
/** The hour of the day in the bureau's time zone. */
export const hour = (at: string | number): number => Number(formatted({ hour: "2-digit" }, at).slice(0, 2));
