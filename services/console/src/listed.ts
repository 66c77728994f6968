/** What is asked again and again, with its age and why there is none; and changes that are answered at once. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { ask, person, Refused } from "./session";

export interface Listed<T> { value: ShallowRef<T | null>; at: Ref<number>; away: Ref<string>; again: () => Promise<void> }

/** The JSON at a path (empty: nothing is asked), read again every so many seconds and whenever the path changes. */
export function listed<T>(path: () => string, seconds = 20): Listed<T> {
  const value: ShallowRef<T | null> = shallowRef(null);
  const at = ref(0);
  const away = ref("");
  let timer = 0;
  let over = false;
  async function again(): Promise<void> {
    window.clearTimeout(timer);
    const wanted = path();
    let pause = seconds;
    try {
      const found = wanted && person.value ? await ask<T>(wanted) : null;
      if (wanted !== path()) return;
      [value.value, at.value, away.value] = [found, Date.now(), ""];
    } catch (error) {
      if (wanted !== path()) return;
      away.value = error instanceof Refused ? error.message : "away";
      pause = Math.min(pause, 3);
    }
    if (!over) timer = window.setTimeout(again, pause * 1000);
  }
  watch(path, (now, before) => { if (now !== before) { value.value = null; void again(); } }, { immediate: true });
  onScopeDispose(() => { over = true; window.clearTimeout(timer); });
  return { value, at, away, again };
}

/** Ask for a change as the person who is logged in. Throws Refused with the hub's reason. */
export const change = <T>(path: string, body: unknown = {}): Promise<T> =>
  ask<T>(path, { method: "POST", body: JSON.stringify(body), headers: { "X-CSRF-Token": person.value?.csrf ?? "" } });

export const part = encodeURIComponent;
/** Why something was not done, for the page. */
export const why = (error: unknown): string => (error instanceof Refused ? error.message : "away");
