/** Light or dark: as the system has it, until somebody chooses. */
import { ref } from "vue";

const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = localStorage.getItem("hub.theme");
export const theme = ref(kept ?? (dark.matches ? "dark" : "light"));
dark.addEventListener("change", () => { if (!localStorage.getItem("hub.theme")) put(dark.matches ? "dark" : "light"); });

function put(name: string): void {
  theme.value = name;
  document.documentElement.dataset.theme = name;
}

export function switchTheme(): void {
  put(theme.value === "dark" ? "light" : "dark");
  localStorage.setItem("hub.theme", theme.value);
}

put(theme.value);
