import { type Duration, durationMs } from "../../base/duration.ts";
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

const shown = (value: unknown): string =>
  typeof value === "function" ? "a function" : (JSON.stringify(value) ?? String(value));

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
const probe: Check = (value, at, tell) => {
  if (typeof value === "function") return;
  if (Array.isArray(value)) {
    if (value.length === 0) tell(at, value, "must name a result at least");
    for (const [index, one] of value.entries()) outcome(one, `${at}[${index}]`, tell);
  } else (isObject(value) ? fieldsOf({ from: duration, until: duration }) : outcome)(value, at, tell);
};
const reason: Check = (value, at, tell) => {
  if (value !== "Completed" && value !== "Error" && value !== "OOMKilled")
    tell(at, value, 'is none of "Completed", "Error", "OOMKilled"');
};
const labels: Check = (value, at, tell) => {
  if (!isObject(value) || value === null) return tell(at, value, "must be an object of texts");
  for (const [key, one] of Object.entries(value as object)) text(one, `${at}.${key}`, tell);
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
  exit: either(
    (value) => value === false,
    nothing,
    fieldsOf({ code, after: duration, reason, message: text, times: counted }),
  ),
  stop: duration,
  evict: fieldsOf({ after: duration, message: text }),
  logs: either((value) => typeof value === "function", nothing, text),
  exec: called,
};
const behaviour = fieldsOf(checks);
