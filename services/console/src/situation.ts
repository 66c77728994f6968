/** What is going on: whether something takes over the wall, and whether what is shown is only an exercise. */
import { computed } from "vue";
import { now } from "./clock";
import { all, complete, open } from "./live";
import { bySeverity, rank, time, type Kind, type Matter } from "./matters";

/** What takes the centre of the wall in an emergency. */
export interface Main {
  kind: Kind; m: Matter; chain: string; level: string | null; title: string; area: string;
  since: string; claimed: { by: string; post: string } | null; exercise: boolean;
}

/** Severities of an incident from 较大 up. */
const GRAVE = ["serious", "major", "extraordinary"];
export const alerts = computed(() => open("alert").sort(bySeverity));
export const grave = computed(() => alerts.value.filter((m) => rank(m) >= 3));
export const running = computed(() => open("response").filter((m) => m.state === "started"));
export const incidents = computed(() => open("loop").filter((m) => m.loop === "incident"));
const graveIncidents = computed(() =>
  incidents.value.filter((m) => GRAVE.includes(m.severity)).sort((a, b) => time(b.opened) - time(a.opened)));
/** An exercise that nobody has ended is over for the wall after a day. */
export const exercises = computed(() => open("alert", "exercise").filter((m) => m.state === "in_force").sort(bySeverity));

const areasOf = (m: Matter): string => (m.areas ?? []).map((one: { name: string }) => one.name).join("、");
const ofAlert = (m: Matter, exercise = false): Main => ({
  kind: "alert", m, chain: m.id, level: m.level, title: m.headline, area: areasOf(m), since: m.issued, claimed: m.claimed, exercise,
});

function ofResponse(m: Matter): Main {
  const alert = alerts.value.find((one) => one.id === m.chain);
  if (alert) return ofAlert(alert);
  const started = (m.steps ?? []).find((step: { step: string }) => step.step === "start");
  return { kind: "response", m, chain: m.chain, level: null, title: m.matter, area: areasOf(m), since: started?.signed ?? m.changed, claimed: null, exercise: false };
}

const ofIncident = (m: Matter): Main => ({
  kind: "loop", m, chain: "", level: null, title: `${m.kind ?? m.zh} ${m.case_id}`, area: "", since: m.opened, claimed: null, exercise: false,
});

/** The newest red, else orange, else what a running response is about, else the newest grave incident; last an exercise. */
export const main = computed<Main | null>(() => {
  const real = (grave.value[0] && ofAlert(grave.value[0])) || (running.value[0] && ofResponse(running.value[0]))
    || (graveIncidents.value[0] && ofIncident(graveIncidents.value[0]));
  if (real) return real;
  const drill = exercises.value.find((m) => rank(m) >= 3);
  return drill ? ofAlert(drill, true) : null;
});
export const drilling = computed(() => !!main.value?.exercise);
export const quiet = computed(() => complete.value && !alerts.value.length && !main.value);

// --- a mute: five minutes at most, by somebody with a name --------------------------------------------------------

export interface Mute { by: string; until: number }
export const muted = computed<Mute | null>(() => {
  const found = all("shift").filter((m) => m.muted_until && time(m.muted_until) > now.value);
  return found.length ? { by: found[0].muted_by ?? found[0].person ?? "", until: time(found[0].muted_until) } : null;
});

// --- a wall that stands for months begins anew at night, when nothing is in force ----------------------------------

const RELOAD = "04:30";
const RELOADED = "hub.reloaded";
/** Whether the page should begin anew now: once at half past four, and only when nothing is in force. */
export function mustReload(clock: string, day: string, nothingInForce: boolean): boolean {
  if (clock !== RELOAD || !nothingInForce || sessionStorage.getItem(RELOADED) === day) return false;
  sessionStorage.setItem(RELOADED, day);
  return true;
}
