import { type Duration, durationMs } from "../../base/duration.ts";
import { shown } from "../../base/shown.ts";
import type { PodBehaviour } from "./pod-behaviour.ts";

type Check = (value: unknown, at: string, tell: (at: string, value: unknown, rule: string) => void) => void;

/** Every rule that behaviours break, one a line: where, what, and the rule. Pure. */
export function behaviourProblems(behaviours: unknown, at = "pods"): readonly string[] {
  const problems: string[] = [];
  const tell = (field: string, value: unknown, rule: string) =>
    problems.push(`${field}: ${shown(value)} ${rule}`);
  if (!Array.isArray(behaviours))
    tell(at, behaviours, 'must be a list such as [{ image: "slow:*", pull: "3s" }]');
  else for (const [index, one] of behaviours.entries()) behaviour(one, `${at}[${index}]`, tell);
  return problems;
}

const duration: Check = (value, at, tell) => {
  try {
    durationMs(value as Duration);
  } catch {
    tell(at, value, 'is no duration: give milliseconds, or a text with units such as "90s" or "5m"');
  }
};
const text: Check = (value, at, tell) => {
  if (typeof value !== "string") tell(at, value, "must be a text");
};
const counted: Check = (value, at, tell) => {
  if (!Number.isInteger(value) || (value as number) < 1)
    tell(at, value, "must be a whole number of at least 1");
};
const code: Check = (value, at, tell) => {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > 255)
    tell(at, value, "must be a whole number from 0 to 255");
};
const either =
  (isFirst: (value: unknown) => boolean, first: Check, second: Check): Check =>
  (value, at, tell) =>
    (isFirst(value) ? first : second)(value, at, tell);
const fieldsOf =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, at, tell) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return tell(at, value, "must be an object");
    for (const [field, one] of Object.entries(value)) {
      const check = Object.hasOwn(checks, field) ? checks[field] : undefined;
      if (check === undefined) tell(`${at}.${field}`, one, `is none of ${Object.keys(checks).join(", ")}`);
      else if (one !== undefined) check(one, `${at}.${field}`, tell);
    }
  };
const isObject = (value: unknown) => typeof value === "object";
const nothing: Check = () => undefined;
const called: Check = (value, at, tell) => {
  if (typeof value !== "function") tell(at, value, "must be a function");
};
const outcome: Check = (value, at, tell) => {
  if (typeof value !== "boolean" && typeof value !== "string")
    tell(at, value, 'must be "ok", "fail", or why it fails');
};
const periodFields = fieldsOf({ from: duration, until: duration });
const period: Check = (value, at, tell) => {
  const problems: Parameters<typeof tell>[] = [];
  periodFields(value, at, (...problem) => problems.push(problem));
  for (const problem of problems) tell(...problem);
  const { from, until } = (value ?? {}) as { readonly from?: Duration; readonly until?: Duration };
  if (
    problems.length === 0 &&
    from !== undefined &&
    until !== undefined &&
    durationMs(from) >= durationMs(until)
  )
    tell(at, value, "is never well: from must be before until");
};
const probe: Check = (value, at, tell) => {
  if (typeof value === "function") return;
  if (Array.isArray(value)) {
    if (value.length === 0) tell(at, value, "must name a result at least");
    for (const [index, one] of value.entries()) outcome(one, `${at}[${index}]`, tell);
  } else if (isObject(value)) period(value, at, tell);
  else outcome(value, at, tell);
};
const reason: Check = (value, at, tell) => {
  if (value !== "Completed" && value !== "Error" && value !== "OOMKilled")
    tell(at, value, 'is none of "Completed", "Error", "OOMKilled"');
};
const labels: Check = (value, at, tell) => {
  if (!isObject(value) || value === null) return tell(at, value, "must be an object of texts");
  for (const [key, one] of Object.entries(value as object)) text(one, `${at}.${key}`, tell);
};

const exitFields = fieldsOf({ code, after: duration, reason, message: text, times: counted });
/** What ends well has code 0, and only that. */
const exit: Check = (value, at, tell) => {
  exitFields(value, at, tell);
  const { code, reason } = (value ?? {}) as NonNullable<Exclude<PodBehaviour["exit"], false>>;
  if (code !== undefined && reason !== undefined && (code === 0) !== (reason === "Completed"))
    tell(at, value, "contradicts itself: Completed is what ends with code 0, and all else does not");
};

const checks: { readonly [F in keyof Required<PodBehaviour>]: Check } = {
  image: text,
  name: either((value) => value instanceof RegExp, nothing, text),
  namespace: text,
  labels,
  container: text,
  pull: either(isObject, fieldsOf({ takes: duration, error: text, times: counted }), duration),
  start: duration,
  ready: duration,
  probe: fieldsOf({ startup: probe, liveness: probe, readiness: probe }),
  exit: either((value) => value === false, nothing, exit),
  stop: duration,
  evict: fieldsOf({ after: duration, message: text }),
  logs: either((value) => typeof value === "function", nothing, text),
  exec: called,
};
const behaviour = fieldsOf(checks);
