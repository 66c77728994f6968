/** Who is on duty now, and the names of posts. */
import { computed } from "vue";
import { polled } from "./live";
import type { Matter } from "./matters";
import { bureau, person, regionName } from "./session";

export interface Turn {
  organisation: string; organisation_name: string; post: string; post_name: string;
  by: string; persons: { person_id: string; person: string }[]; shift_id: string | null; handover: { shift_id: string } | null; from: string | null; to: string | null;
}

const found = polled<{ items: Turn[] }>(() => (person.value?.role === "partner" ? "" : "/warning/duty/now"), 60);
export const duty = computed<Turn[]>(() => found.value?.items ?? []);
const names = computed(() => new Map(duty.value.map((one) => [one.post, one.post_name])));
const persons = computed(() => new Map(duty.value.flatMap((one) => one.persons.map((p) => [p.person_id, p.person]))));
/** A name for an id, where the roster has one. */
export const personName = (id: string): string => persons.value.get(id) ?? id;
export const postName = (post: string): string => names.value.get(post) ?? post;

/** Names of whoever is at a post of the bureau itself. */
export function at(post: string): string {
  const turn = duty.value.find((one) => one.post === post);
  return turn?.persons.map((one) => one.person).slice(0, 2).join("、") ?? "";
}

/** The shift of the bureau's own duty room that runs now. */
export const bureauShift = computed(() => {
  const rooms = duty.value.filter((one) => one.post === "bureau_duty");
  return rooms.find((one) => one.shift_id)?.shift_id ?? null;
});

/** Who is called, as short as can be: `望江街道 带班领导`, `区应急局 局值班室`. */
export function calledPlace(m: Matter): string {
  const own = m.region === bureau.value?.region;
  const long = String(m.post).startsWith("enterprise");
  return `${long ? m.organisation_name : own ? bureau.value?.short_name : regionName(m.region)} ${postName(m.post)}`;
}
