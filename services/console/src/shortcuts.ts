/** Keys of a page; each has a visible button. G leads to another page. */
import { onMounted, onUnmounted } from "vue";
import { go } from "./session";

export const PLACES: Record<string, string> = { w: "/wall", d: "/desk", h: "/", a: "/admin", p: "/partner", b: "/brief", r: "/report" };
const LED_MS = 1500;

export function shortcuts(keys: Record<string, () => void>): void {
  let led = 0;
  function pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.altKey || event.metaKey || target.closest("input, textarea, select, dialog")) return;
    const key = event.key.toLowerCase();
    if (Date.now() - led < LED_MS && PLACES[key]) { led = 0; go(PLACES[key]); return; }
    if (key === "g") led = Date.now();
    if (keys[key]) { event.preventDefault(); keys[key](); }
  }
  onMounted(() => addEventListener("keydown", pressed));
  onUnmounted(() => removeEventListener("keydown", pressed));
}
