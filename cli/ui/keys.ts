/** What Ink says of a key, as far as we ask. */
export interface InkKey {
  readonly upArrow?: boolean;
  readonly downArrow?: boolean;
  readonly leftArrow?: boolean;
  readonly rightArrow?: boolean;
  readonly pageDown?: boolean;
  readonly pageUp?: boolean;
  readonly home?: boolean;
  readonly end?: boolean;
  readonly return?: boolean;
  readonly escape?: boolean;
  readonly ctrl?: boolean;
  readonly shift?: boolean;
  readonly tab?: boolean;
  readonly backspace?: boolean;
  readonly delete?: boolean;
  readonly meta?: boolean;
}

const named = {
  upArrow: "up",
  downArrow: "down",
  leftArrow: "left",
  rightArrow: "right",
  pageUp: "pgup",
  pageDown: "pgdn",
  home: "home",
  end: "end",
  return: "enter",
  escape: "esc",
  backspace: "backspace",
  // Terminals send this for the key that takes the letter before the cursor away.
  delete: "backspace",
} as const satisfies Partial<Record<keyof InkKey, string>>;

const controls: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\x1b": "esc",
  "\x7f": "backspace",
  "\b": "backspace",
  " ": "space",
};

/** The names of the keys in what Ink tells as one input: several where they were pasted, or typed faster than they were read. */
export function keysOf(input: string, key: InkKey): readonly string[] {
  const name = keyName(input, key);
  if (name === undefined) return [];
  if (name !== input) return [name];
  return [...input].map((letter) => controls[letter] ?? letter);
}

/** One name for a key: `j`, `G`, `enter`, `ctrl-d`, `shift-tab`, `space`; undefined for what we know no name of. */
export function keyName(input: string, key: InkKey): string | undefined {
  for (const [flag, name] of Object.entries(named)) if (key[flag as keyof InkKey]) return name;
  if (key.tab) return key.shift ? "shift-tab" : "tab";
  if (input === "") return undefined;
  if (key.ctrl) return `ctrl-${input.toLowerCase()}`;
  if (key.meta) return undefined;
  return input === " " ? "space" : input;
}
