import { effect, signal } from "@preact/signals";

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const storedName = "pintle.theme";

const stored = localStorage.getItem(storedName);
export const theme = signal<Theme>(themes.find((one) => one === stored) ?? "system");

effect(() => {
  localStorage.setItem(storedName, theme.value);
  document.documentElement.dataset.theme = theme.value;
});

export function turnTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "system";
}
