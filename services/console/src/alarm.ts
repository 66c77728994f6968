/** What sounds on the wall and when: decided here, from what is in force; played elsewhere. */
import { isOpen, rank, type Matter } from "./matters";

export type Sounding = "alarm" | "chime" | "exercise" | "lost";
export interface Heard { rings: Map<string, { at: number; times: number }> }

const EVERY_MS = 20_000;
const DAY_HOURS: [number, number] = [7, 22];

export interface Asked {
  now: number; hour: number; alerts: Matter[]; exercises: Matter[]; exhausted: string[]; lost: boolean;
}

/** The one sound that is due now, the gravest first; what sounds is remembered, so that it sounds as often as it should. */
export function due(asked: Asked, heard: Heard): Sounding | null {
  for (const m of asked.alerts.filter((one) => isOpen("alert", one) && !one.claimed)) {
    if (rank(m) === 4 && ring(heard, m.id + m.level, asked.now, Infinity)) return "alarm";
    if (rank(m) === 3 && ring(heard, m.id + m.level, asked.now, 2)) return "alarm";
  }
  for (const id of asked.exhausted) if (ring(heard, `exhausted ${id}`, asked.now, 1)) return "alarm";
  if (!asked.lost) heard.rings.delete("lost");
  else if (ring(heard, "lost", asked.now, Infinity)) return "lost";
  const daytime = asked.hour >= DAY_HOURS[0] && asked.hour < DAY_HOURS[1];
  for (const m of asked.alerts.filter((one) => rank(one) > 0 && rank(one) < 3)) {
    if (ring(heard, m.id + m.level, asked.now, 1) && daytime) return "chime";
  }
  for (const m of asked.exercises) if (ring(heard, `exercise ${m.id}${m.level}`, asked.now, 1)) return "exercise";
  return null;
}

/** Whether it rings now: at once, then every 20 seconds, so many times. */
function ring(heard: Heard, what: string, now: number, most: number): boolean {
  const before = heard.rings.get(what) ?? { at: -Infinity, times: 0 };
  if (before.times >= most || now - before.at < EVERY_MS) return false;
  heard.rings.set(what, { at: now, times: before.times + 1 });
  return true;
}
