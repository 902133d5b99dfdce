/** Says how long a call may take: different in almost every call of a client that has a deadline. */
export const timeoutHeader = "grpc-timeout";

const unitMs = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 } as const;
const pattern = /^(\d{1,8})([HMSmun])$/;

/** Its value in milliseconds and fractions of one; undefined when it is malformed. */
export function parseTimeoutMs(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** How long after a call's deadline it is answered, if nobody ended it until then. A client's own clock must end the call:
 *  etcd's Go client sends even a write again when it is told of a deadline that has not passed for it. */
export const deadlineGraceMs = 50;
/** Clocks that run apart: more than any that is kept by NTP (500 parts in a million). */
const clockDriftMost = 1 / 1000;

/** When to answer a call on its deadline, counted from its arrival: never before the deadline by the client's clock. */
export const lateAnswerMs = (timeoutMs: number): number => timeoutMs * (1 + clockDriftMost) + deadlineGraceMs;
