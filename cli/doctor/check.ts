/** What a check found. `unknown`: it could not be looked at. */
export type CheckState = "ok" | "warning" | "error" | "unknown";

export interface Check {
  /** Of the machine, or of the cluster. */
  readonly of: "machine" | "cluster";
  readonly name: string;
  readonly state: CheckState;
  /** What was found, in one line. */
  readonly says: string;
  /** What to do about it. */
  readonly change?: string;
}

type Result = Omit<Check, "of" | "name">;

export const ok = (says: string): Result => ({ state: "ok", says });
export const warning = (says: string, change: string): Result => ({ state: "warning", says, change });
export const error = (says: string, change: string): Result => ({ state: "error", says, change });
export const unknown = (says: string): Result => ({ state: "unknown", says });

export type { Result };

const marks: Readonly<Record<CheckState, string>> = {
  ok: "ok     ",
  warning: "warning",
  error: "error  ",
  unknown: "?      ",
};

/** Checks as people read them: a line each, and what to do below those that are not well. */
export function checksText(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const heading = (of: Check["of"]) => (of === "machine" ? "This machine" : "The cluster");
  return (["machine", "cluster"] as const)
    .flatMap((of) => {
      const lines = checks
        .filter((check) => check.of === of)
        .flatMap(({ name, state, says, change }) => [
          `  ${marks[state]} ${name.padEnd(width)}  ${says}`,
          ...(change === undefined ? [] : [`${" ".repeat(width + 12)}to change: ${change}`]),
        ]);
      return lines.length === 0 ? [] : [[heading(of), ...lines].join("\n")];
    })
    .join("\n\n")
    .concat("\n");
}
