/** The one live stream of a browser: a snapshot, then what changes, painted at most four times a second. */
import { computed, effectScope, getCurrentScope, onScopeDispose, ref, shallowRef, triggerRef, watch, type ShallowRef } from "vue";
import { now, tell } from "./clock";
import { isOpen, KINDS, LIST, type Kind, type Matter } from "./matters";
import { ask, confirm, person } from "./session";

const STALE_SECONDS = 15;
const PAINT_MS = 250;
const RETRY_MS = 2000;
const KEPT_MS = 600_000;
const PAGES = 5;

export interface Counter { key: string; period: string; labels: Record<string, string>; value: number | string | null; as_of: string }

const maps = Object.fromEntries(KINDS.map((kind) => [kind, shallowRef(new Map())])) as
  Record<Kind, ShallowRef<Map<string, Matter>>>;
export const counters = shallowRef(new Map<string, Counter>());
/** Date.now() of the last word of the hub; 0: none yet. */
export const heard = ref(0);
export const connected = ref(false);
export const complete = ref(false);

const tick = ref(Date.now());
setInterval(() => (tick.value = Date.now()), 500);
/** Seconds since the hub said anything. */
export const age = computed(() => (heard.value ? Math.max(0, (tick.value - heard.value) / 1000) : 0));
export const stale = computed(() => heard.value > 0 && age.value > STALE_SECONDS);

/** The real matters of a kind; those of exercises are asked for by themselves. */
export const all = (kind: Kind, status = "actual"): Matter[] =>
  [...maps[kind].value.values()].filter((m) => (m.status ?? "actual") === status);
export const open = (kind: Kind, status = "actual"): Matter[] => all(kind, status).filter((m) => isOpen(kind, m));
export const one = (kind: Kind, id: string): Matter | undefined => maps[kind].value.get(`actual|${id}`);

export function counter(key: string, period: string): Counter | undefined {
  return counters.value.get(`${key}|${period}`);
}

// --- what comes is gathered, and painted together ------------------------------------------------------------------

const touched = new Set<ShallowRef>();
let painting = 0;

function put(kind: Kind, m: Matter): void {
  const key = `${m.status ?? "actual"}|${m.id}`;
  const before = maps[kind].value.get(key);
  if (before && before.version > m.version) return;
  maps[kind].value.set(key, m);
  touch(maps[kind]);
}

function count(one: Counter): void {
  if (Object.keys(one.labels ?? {}).length && counters.value.has(`${one.key}|${one.period}`)) return;
  counters.value.set(`${one.key}|${one.period}`, one);
  touch(counters);
}

function touch(what: ShallowRef): void {
  touched.add(what);
  painting ||= window.setTimeout(paint, PAINT_MS);
}

function paint(): void {
  painting = 0;
  for (const what of touched) triggerRef(what);
  touched.clear();
}

/** Forget what ended a while ago, so that a wall may stand for months. */
function prune(): void {
  const chains = new Set(open("alert").map((m) => m.id));
  for (const kind of KINDS) {
    for (const [key, m] of maps[kind].value) {
      const old = now.value - Date.parse(m.changed ?? "") > KEPT_MS;
      if (old && !isOpen(kind, m) && !(m.chain && chains.has(m.chain))) maps[kind].value.delete(key);
    }
  }
}

// --- the stream ----------------------------------------------------------------------------------------------------

let source: EventSource | null = null;
let again = 0;

function connect(): void {
  window.clearTimeout(again);
  source?.close();
  source = new EventSource("/live");
  source.addEventListener("snapshot", (event) => began(JSON.parse(event.data)));
  source.addEventListener("heartbeat", (event) => alive(JSON.parse(event.data).at));
  source.addEventListener("counter", (event) => { count(JSON.parse(event.data)); alive(); });
  source.addEventListener("resync", () => connect());
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => { put(kind, JSON.parse(event.data)); alive(); });
  }
  source.onerror = lost;
}

function lost(): void {
  source?.close();
  connected.value = false;
  void confirm();  // at once: a right that was taken back ends the page, too
  again = window.setTimeout(async () => {
    await confirm();
    if (person.value && person.value.role !== "partner") connect();
  }, RETRY_MS);
}

function alive(at?: string): void {
  heard.value = Date.now();
  if (at) tell(at, false);
}

function began(snapshot: Record<string, unknown>): void {
  tell(snapshot.as_of as string, true);
  const exercises = (snapshot.exercises ?? {}) as Record<string, Matter[]>;
  for (const kind of KINDS) {
    const list = snapshot[`${kind}s`] as Matter[] | undefined;
    if (!list) continue;
    const told = [...list, ...(exercises[`${kind}s`] ?? [])];
    const standing = new Set(told.map((m) => `${m.status ?? "actual"}|${m.id}`));
    for (const [key, m] of maps[kind].value) if (isOpen(kind, m) && !standing.has(key)) maps[kind].value.delete(key);
    told.forEach((m) => put(kind, m));
  }
  counters.value.clear();
  (snapshot.counters as Counter[]).forEach(count);
  connected.value = true;
  alive();
  paint();
  void fill();
}

/** What is too much for a snapshot: open loops, and the callouts of warnings in force that have ended. */
async function fill(): Promise<void> {
  try {
    await Promise.all([
      read("loop", "open=true"),
      read("shift", "state=on_duty"),
      ...open("alert").map((m) => read("callout", `chain=${encodeURIComponent(m.id)}`)),
    ]);
    complete.value = true;
  } catch {
    window.setTimeout(() => connected.value && fill(), RETRY_MS);
  }
}

async function read(kind: Kind, query: string): Promise<void> {
  let cursor: string | null = "";
  for (let page = 0; page < PAGES && cursor !== null; page++) {
    const found: { items: Matter[]; next: string | null } = await ask(
      `/warning/${LIST[kind]}?limit=1000&${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    found.items.forEach((m) => put(kind, m));
    cursor = found.next;
  }
}

/** Follow the hub while somebody is logged in. */
export function follow(): void {
  effectScope(true).run(() => {
    watch(person, (who, before) => {
      if (who && !before && who.role !== "partner") connect();
      if (!who) source?.close();
    }, { immediate: true });
  });
  setInterval(prune, 60_000);
}

export type Polled<T> = ShallowRef<T | null> & { at: number };

/** Asked again and again: what no stream tells; `at` is when it was answered. */
export function polled<T>(path: () => string, seconds: number): Polled<T> {
  const found = Object.assign(shallowRef<T | null>(null), { at: 0 }) as Polled<T>;
  let timer = 0;
  let over = false;
  const next = async (): Promise<void> => {
    window.clearTimeout(timer);
    const at = path();
    let pause = seconds * 1000;
    try {
      const answer = at && person.value ? await ask<T>(at) : null;
      if (at === path()) {
        found.at = Date.now();
        found.value = answer;
      }
    } catch {
      pause = Math.min(pause, RETRY_MS);
    }
    if (!over) timer = window.setTimeout(next, pause);
  };
  watch(path, (at, before) => { if (at !== before) { found.value = null; void next(); } }, { immediate: true });
  watch([connected, person], () => void next());
  if (getCurrentScope()) onScopeDispose(() => { over = true; window.clearTimeout(timer); });
  return found;
}
