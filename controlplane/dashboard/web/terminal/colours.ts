import type { ITheme } from "@xterm/xterm";

/** Colours of a terminal, as styles of the page: each follows light and dark as the page does. */
const styles = {
  background: "light-dark(#fbfcfc, #0c1012)",
  foreground: "var(--text)",
  cursor: "var(--accent)",
  cursorAccent: "light-dark(#fbfcfc, #0c1012)",
  selectionBackground: "light-dark(#b9dfe3, #1f555c)",
  scrollbarSliderBackground: "light-dark(rgb(0 0 0 / 18%), rgb(255 255 255 / 20%))",
  scrollbarSliderHoverBackground: "light-dark(rgb(0 0 0 / 30%), rgb(255 255 255 / 32%))",
  scrollbarSliderActiveBackground: "light-dark(rgb(0 0 0 / 40%), rgb(255 255 255 / 42%))",
  black: "light-dark(#172023, #2b3439)",
  red: "var(--bad)",
  green: "var(--good)",
  yellow: "var(--warn)",
  blue: "var(--busy)",
  magenta: "light-dark(#8b2a8f, #dd9bea)",
  cyan: "var(--accent)",
  white: "light-dark(#56656b, #dfe6e8)",
  brightBlack: "light-dark(#56656b, #7d8d94)",
  brightRed: "light-dark(#c93a31, #ffada6)",
  brightGreen: "light-dark(#1b7d47, #86e0ac)",
  brightYellow: "light-dark(#9a6100, #ffd48f)",
  brightBlue: "light-dark(#2b6fbd, #a5cffb)",
  brightMagenta: "light-dark(#a03aa5, #eabdf3)",
  brightCyan: "light-dark(#0c7680, #8bdbe4)",
  brightWhite: "light-dark(#172023, #ffffff)",
} as const satisfies ITheme;

/** They as they are in this place of the page now. */
export function coloursAt(place: HTMLElement): ITheme {
  const probe = place.appendChild(document.createElement("span"));
  try {
    return Object.fromEntries(
      Object.entries(styles).map(([name, style]) => {
        probe.style.color = style;
        return [name, getComputedStyle(probe).color];
      }),
    );
  } finally {
    probe.remove();
  }
}
