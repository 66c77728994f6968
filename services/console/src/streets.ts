/** What stands in each street: the worst level in force, incidents, major hazards, who has not answered. */
import { computed, type ComputedRef } from "vue";
import { now } from "./clock";
import { open } from "./live";
import { isOverdue, rank, unanswered, type Matter } from "./matters";
import { streetsOf } from "./session";
import { incidents } from "./situation";

export interface Standing { worst: Matter | null; incidents: number; major: number; silent: number; late: number }

const EMPTY: Standing = { worst: null, incidents: 0, major: 0, silent: 0, late: 0 };

/** Counts of matters by the street they lie in; what concerns all streets alike is of none. */
function perStreet(matters: Matter[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const m of matters) {
    const [code, ...others] = streetsOf(m.region);
    if (code && !others.length) found.set(code, (found.get(code) ?? 0) + 1);
  }
  return found;
}

export function standings(alerts: () => Matter[], status: () => string): ComputedRef<(code: string) => Standing> {
  const worst = computed(() => {
    const found = new Map<string, Matter>();
    for (const m of alerts()) {
      for (const { code } of m.areas ?? []) {
        for (const street of streetsOf(code)) {
          if (!found.has(street) || rank(m) > rank(found.get(street)!)) found.set(street, m);
        }
      }
    }
    return found;
  });
  const places = computed(() => perStreet(incidents.value));
  const major = computed(() => perStreet(open("loop").filter((m) => m.loop === "hazard" && m.level === "major")));
  const silent = computed(() => perStreet(open("callout", status()).filter(unanswered)));
  const late = computed(() => perStreet(open("loop").filter((m) => isOverdue(m, now.value))));
  const of = (map: Map<string, number>, code: string): number => map.get(code) ?? 0;
  return computed(() => (code: string) => ({
    ...EMPTY, worst: worst.value.get(code) ?? null, incidents: of(places.value, code), major: of(major.value, code),
    silent: of(silent.value, code), late: of(late.value, code),
  }));
}
