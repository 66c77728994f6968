/** What people decide, on its way to the hub: in order, with ids of its own, so that sending twice changes nothing. */
import { computed, reactive, watch } from "vue";
import { confirm, person, reason } from "./session";

const KEPT = "hub.clicks";
const PAUSE_MS = 2000;
const SHOWN_MS = 4000;

export interface Click {
  id: string; path: string; body: Record<string, unknown>; label: string;
  state: "waiting" | "sending" | "asked" | "done" | "refused";
  reason: string; at: number;
}

export const clicks = reactive<Click[]>(kept());
/** Those that the hub has not taken yet. */
export const unsent = computed(() => clicks.filter((one) => one.state === "waiting" || one.state === "sending"));

function kept(): Click[] {
  const found: Click[] = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  return found.map((one) => ({ ...one, state: one.state === "sending" ? "waiting" : one.state }));
}

watch(clicks, () => sessionStorage.setItem(KEPT, JSON.stringify(clicks.filter((one) => !ended(one)))), { deep: true });

const ended = (one: Click): boolean => one.state === "done" || one.state === "refused";

/** The last word on a button: what is under way with this path, or why it was refused. */
export const said = (path: string): Click | undefined => clicks.findLast((one) => one.path === path);

/** A random UUID; crypto.randomUUID is there only over https. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export function send(path: string, body: Record<string, unknown>, label: string): void {
  if (clicks.some((one) => one.path === path && !ended(one))) return;
  forget(path);
  clicks.push({ id: uuid(), path, body, label, state: "waiting", reason: "", at: Date.now() });
  void work();
}

/** Take a refusal off the screen. */
export function forget(path = ""): void {
  for (let n = clicks.length - 1; n >= 0; n--) {
    if (ended(clicks[n]) && (!path || clicks[n].path === path)) clicks.splice(n, 1);
  }
}

let working = false;

async function work(): Promise<void> {
  if (working) return;
  working = true;
  try {
    for (let next; (next = clicks.find((one) => one.state === "waiting")) && person.value; ) {
      if (!(await hand(next))) await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  } finally {
    working = false;
  }
}

/** Whether the hub has taken it, one way or the other. */
async function hand(click: Click): Promise<boolean> {
  click.state = "sending";
  const answer = await fetch(click.path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": person.value?.csrf ?? "" },
    body: JSON.stringify({ ...click.body, id: click.id }),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => null);
  if (answer?.status === 401) void confirm();
  if (!answer || answer.status >= 500 || [401, 408, 429].includes(answer.status)) {
    click.state = "waiting";
    return false;
  }
  if (answer.status === 202) void outcome(click);
  else await finish(click, answer);
  return true;
}

async function finish(click: Click, answer: Response): Promise<void> {
  click.reason = answer.ok ? "" : await reason(answer);
  click.state = answer.ok ? "done" : "refused";
  if (answer.ok) setTimeout(() => clicks.splice(clicks.indexOf(click), 1), SHOWN_MS);
}

/** It was taken; what came of it is asked until it is known. */
async function outcome(click: Click): Promise<void> {
  click.state = "asked";
  for (;;) {
    await new Promise((done) => setTimeout(done, PAUSE_MS / 2));
    const answer = await fetch(`/${click.path.split("/")[1]}/commands/${click.id}`).catch(() => null);
    if (answer && answer.status !== 202 && answer.status < 500) return finish(click, answer);
  }
}

watch(person, (who) => who && void work(), { immediate: true });
for (const click of clicks) if (click.state === "asked") void outcome(click);
