/** One reason why something does not run. */
export interface Finding {
  /** In one line, what is the matter. */
  readonly what: string;
  /** How that is known: facts, a line each. */
  readonly because: readonly string[];
  /** What would have to change, a line each. */
  readonly change: readonly string[];
  /** What to type next. */
  readonly next: readonly string[];
}

export const finding = (what: string, rest: Partial<Omit<Finding, "what">> = {}): Finding => ({
  what,
  because: [],
  change: [],
  next: [],
  ...rest,
});

/** Findings as people read them. */
export function findingsText(subject: string, findings: readonly Finding[]): string {
  return findings
    .map(({ what, because, change, next }, at) =>
      [
        `${at === 0 ? `${subject}: ` : "also: "}${what}`,
        ...because.map((line) => `  ${line}`),
        ...change.map((line, first) => `${first === 0 ? "  to change: " : "             "}${line}`),
        ...next.map((line, first) => `${first === 0 ? "  next: " : "        "}${line}`),
      ].join("\n"),
    )
    .join("\n\n")
    .concat("\n");
}
