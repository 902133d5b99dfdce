import type { Binding } from "./page.ts";

/** The keys by which one moves in a page, of arrows and of vi. */
export function movingBindings(move: {
  /** So many rows on, or back. */
  by(rows: number): void;
  page(): number;
  toTop(): void;
  toEnd(): void;
}): readonly Binding[] {
  const on = (keys: readonly string[], help: string, does: () => void): readonly Binding[] =>
    keys.map((key) => ({ key, help, isMinor: true, does }));
  return [
    ...on(["up", "k"], "Up", () => move.by(-1)),
    ...on(["down", "j"], "Down", () => move.by(1)),
    ...on(["pgup", "ctrl-b"], "Page up", () => move.by(-move.page())),
    ...on(["pgdn", "ctrl-f"], "Page down", () => move.by(move.page())),
    ...on(["home", "g"], "Top", () => move.toTop()),
    ...on(["end", "G"], "Bottom", () => move.toEnd()),
  ];
}
