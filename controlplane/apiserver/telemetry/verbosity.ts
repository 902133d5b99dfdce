import type { Log } from "../../../base/os/log.ts";

/** What each level of `--v` adds to the log; a level has what is below it. */
export const verbosityLevels = {
  /** Why a credential does not hold, and which health checks fail. */
  refusals: 1,
  /** TLS handshakes that fail, and what audit annotations say. */
  handshakes: 2,
  /** A line for each request. */
  requests: 3,
  /** Who made it, in that line. */
  users: 4,
  /** The steps of each request with their times, and not only of slow ones. */
  steps: 5,
  /** The head of each request, without credentials. */
  heads: 6,
} as const;

export const verbosityMax = verbosityLevels.heads;

export const verbosityHelp = `How much of requests the log tells, 0 to ${verbosityMax}, each level adding to those below: 1 why credentials do not hold and which health checks fail, 2 failed TLS handshakes and audit annotations, 3 a line for each request, 4 its user, 5 the steps of each request (at 0 those of slow ones), 6 its head without credentials`;

/** What is otherwise for debugging is told where the level asks for it. */
export function loud(log: Log, level: keyof typeof verbosityLevels, verbosity: number): Log {
  return verbosity < verbosityLevels[level] ? log : { ...log, debug: log.info };
}

const secretHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "sec-websocket-protocol",
]);

/** The head of a request, as far as others may read it. Pure. */
export function shownHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  bounded: (text: string) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      secretHeaders.has(name) ? "<masked>" : bounded([value ?? []].flat().join(", ")),
    ]),
  );
}
