/** Who is logged in, where they are, and how the hub is asked. */
import { computed, reactive, ref, shallowRef } from "vue";

export interface Person { name: string; role: string; region: string | null; csrf: string; publisher?: string }
export interface Region { code: string; name: string; parent: string; kind: string }
export interface Bureau {
  name: string; short_name: string; region: string; timezone: string;
  regions: Region[]; map?: boolean; codes: Record<string, Record<string, string>>;
}

export const person = shallowRef<Person | null>(null);
/** Whether it has been asked who is logged in. */
export const asked = ref(false);
export const bureau = shallowRef<Bureau | null>(null);

export class Refused extends Error {
  constructor(readonly status: number, reason: string) {
    super(reason);
  }
}

/** JSON of an answer. Throws Refused with the hub's reason, or TypeError when the hub is away. */
export async function ask<T>(path: string, options: RequestInit = {}): Promise<T> {
  const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(10_000) });
  if (answer.status === 401) void confirm();
  if (!answer.ok) throw new Refused(answer.status, await reason(answer));
  return answer.json();
}

/** Why the hub refused: RFC 9457's detail, and its problems when it has several. */
export async function reason(answer: Response): Promise<string> {
  const body = await answer.json().catch(() => ({}));
  const problems = (body.problems ?? []).map((p: { field: string; reason: string }) => `${p.field}: ${p.reason}`);
  return problems.length ? problems.join("; ") : body.detail || `${answer.status}`;
}

const HEARD_MS = 300;

export async function logIn(name: string, password: string): Promise<void> {
  const found = await ask<Person>("/session", { method: "POST", body: JSON.stringify({ name, password }) });
  // The services hear of a new session a moment later; until then they would take its cookie for a wrong one.
  await new Promise((done) => setTimeout(done, HEARD_MS));
  person.value = found;
}

/** Some service knows no session: is that so? */
export async function confirm(): Promise<void> {
  const answer = await fetch("/session").catch(() => null);
  if (answer?.status === 401) person.value = null;
}

export async function logOut(): Promise<void> {
  const csrf = person.value?.csrf ?? "";
  await fetch("/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
  person.value = null;
}

/** Who is logged in; asked again until the hub answers. */
export async function begin(): Promise<void> {
  try {
    bureau.value = await ask<Bureau>("/bureau.json");
    const answer = await fetch("/session");
    if (answer.status >= 500) throw new TypeError("not now");
    person.value = answer.ok ? await answer.json() : null;
    if (!person.value) await byLink();
    asked.value = true;
  } catch {
    setTimeout(begin, 2000);
  }
}

/** A wall display logs in by its start page, `/wall#display=NAME:PASSWORD`; no server ever sees that part of a link. */
async function byLink(): Promise<void> {
  const [, name, password] = /^#display=([^:]+):(.+)$/.exec(location.hash) ?? [];
  if (!name) return;
  try {
    await logIn(decodeURIComponent(name), decodeURIComponent(password));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  if ((person.value as Person | null)?.role !== "wall" && person.value) await logOut();
}

// --- where we are ----------------------------------------------------------------------------------------------

export const place = reactive({ path: location.pathname, search: location.search });
const arrive = (): void => { Object.assign(place, { path: location.pathname, search: location.search }); };
addEventListener("popstate", arrive);

export function go(path: string): void {
  history.pushState(null, "", path);
  arrive();
}

// --- names ------------------------------------------------------------------------------------------------------

const byCode = computed(() => new Map((bureau.value?.regions ?? []).map((one) => [one.code, one])));
/** Of a region that is not sent here (a community) the name of the street that it lies in. */
export const regionName = (code: string): string => near(code)?.name ?? code;
export const coded = (list: string, value: string): string => bureau.value?.codes[list]?.[value] ?? value ?? "";

/** The streets: what lies right below the bureau's own region. */
export const streets = computed(() =>
  (bureau.value?.regions ?? []).filter((one) => one.parent === bureau.value?.region),
);

/** The region of a code, or the nearest above it that is known here. */
function near(code: string): Region | undefined {
  for (let known = code ?? ""; known; known = known.slice(0, -1)) if (byCode.value.has(known)) return byCode.value.get(known);
}

/** Whether a region lies in another, or is it. */
export function within(code: string, area: string): boolean {
  for (let at = near(code); at; at = byCode.value.get(at.parent)) if (at.code === area) return true;
  return area === bureau.value?.region;
}

/** The streets that a region covers: all of them, or the one it lies in. */
export function streetsOf(code: string): string[] {
  if (code === bureau.value?.region) return streets.value.map((one) => one.code);
  let at = near(code);
  while (at && at.parent && at.parent !== bureau.value?.region) at = byCode.value.get(at.parent);
  return at ? [at.code] : [];
}
