/** Options that a program hands in: values of any kind, whatever the declarations say. */
export interface OptionKind {
  readonly fits: (value: unknown) => boolean;
  /** Follows the value: `-1 must be a whole number of at least 0`. */
  readonly must: string;
}
export type OptionKinds = Readonly<Record<string, OptionKind>>;

/** A line for each option that is unknown, or is not what it must be. One that is undefined is left out. */
export function optionProblems(given: unknown, kinds: OptionKinds, at = ""): readonly string[] {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return [`${at === "" ? "the options" : at}: ${shown(given)} must be an object`];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    const path = at === "" ? name : `${at}.${name}`;
    if (kind === undefined)
      problems.push(`${path}: there is no such option; there are ${Object.keys(kinds).join(", ")}`);
    else if (!kind.fits(value)) problems.push(`${path}: ${shown(value)} must be ${kind.must}`);
  }
  return problems;
}

/** Throws TypeError, one line for each problem. */
export function checkOptions(given: unknown, kinds: OptionKinds): void {
  const problems = optionProblems(given, kinds);
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
}

const shownCharactersMax = 60;

/** A value in a few words, for errors. */
export function shown(value: unknown): string {
  if (typeof value === "string") {
    const text = JSON.stringify(value);
    return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…"`;
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): OptionKind {
  return {
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
    must:
      max === Number.MAX_SAFE_INTEGER
        ? `a whole number of at least ${min}`
        : `a whole number from ${min} to ${max}`,
  };
}

export function oneOf(...values: readonly string[]): OptionKind {
  return {
    fits: (value) => values.includes(value as string),
    must: values.map((value) => JSON.stringify(value)).join(" or "),
  };
}

/** With functions of these names. */
export function withMethods(what: string, ...names: readonly string[]): OptionKind {
  return {
    fits: (value) =>
      names.every((name) => typeof (value as Record<string, unknown> | null)?.[name] === "function"),
    must: `${what}, with ${names.join(", ")}`,
  };
}

export const truth: OptionKind = { fits: (value) => typeof value === "boolean", must: "true or false" };
export const filledText: OptionKind = {
  fits: (value) => typeof value === "string" && value !== "",
  must: "a text that is not empty",
};
/** For durations, which need not be whole. */
export const positiveNumber: OptionKind = {
  fits: (value) => typeof value === "number" && value > 0 && value <= Number.MAX_SAFE_INTEGER,
  must: "a number above 0",
};
/** Of any realm. */
export const abortSignal: OptionKind = {
  fits: (value) => {
    const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
    return typeof aborted === "boolean" && typeof addEventListener === "function";
  },
  must: "an AbortSignal",
};
