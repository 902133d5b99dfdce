import { type Duration, durationMs } from "../base/duration.ts";
import { shown } from "../base/shown.ts";
import { reasons } from "./refusal-reasons.ts";

export const scopeFields: readonly string[] = ["from", "resource", "subresource", "namespace", "name"];
const fields: readonly string[] = [...scopeFields, "verb", "error", "delay", "lose", "times", "chance"];
const errorFields: readonly string[] = ["code", "reason", "message"];
const verbs: readonly unknown[] = [
  ...["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
  ...["GET", "POST", "PUT", "PATCH", "DELETE"], // of what is no resource
];
const plural = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isOneOf = (all: readonly unknown[], value: unknown) => all.includes(value);
const isRefusal = (code: unknown) =>
  Number.isInteger(code) && (code as number) >= 400 && (code as number) < 600;

/** What is wrong with a scope, one a line. What no request can be like would strike nothing, and nobody would be told. Pure. */
export function scopeProblems(scope: unknown, known: readonly string[] = fields): readonly string[] {
  if (!isObject(scope)) return [`${shown(scope)} must be an object such as { resource: "pods" }`];
  const problems: string[] = [];
  for (const [field, value] of Object.entries(scope)) {
    if (!known.includes(field)) problems.push(`${field}: ${shown(value)} is none of ${known.join(", ")}`);
    else if (value !== undefined && scopeFields.includes(field) && typeof value !== "string")
      problems.push(`${field}: ${shown(value)} must be a text`);
  }
  const { resource } = scope;
  if (typeof resource === "string" && !plural.test(resource))
    problems.push(`resource: ${shown(resource)} must be a plural in lower case, such as "pods"`);
  return problems;
}

/** What is wrong with a fault, one a line. Pure. */
export function faultProblems(fault: unknown): readonly string[] {
  if (!isObject(fault)) return scopeProblems(fault);
  const problems = [...scopeProblems(fault)];
  const check = (isFine: boolean, field: string, rule: string) => {
    if (!isFine) problems.push(`${field}: ${shown(fault[field])} ${rule}`);
  };
  const { verb, error, delay, lose, times, chance } = fault;
  const asked = verb === undefined ? [] : [verb].flat();
  check(asked.every((one) => isOneOf(verbs, one)) && verb !== null, "verb", `is none of ${verbs.join(", ")}`);
  check(!Array.isArray(verb) || verb.length > 0, "verb", "must name one at least");
  if (error === undefined && delay === undefined && lose === undefined)
    problems.push("a fault needs one of error, delay, lose");
  if (error !== undefined && lose !== undefined)
    problems.push("a fault's error and lose exclude each other: what is lost is not answered");
  check(
    lose === undefined || isOneOf(["request", "answer"], lose),
    "lose",
    'is neither "request" nor "answer"',
  );
  check(
    typeof chance === "number" ? chance >= 0 && chance <= 1 : chance === undefined,
    "chance",
    "is not between 0 and 1",
  );
  check(
    times === undefined || (Number.isInteger(times) && (times as number) > 0),
    "times",
    "is no whole number above 0",
  );
  if (delay !== undefined) problems.push(...delayProblems(delay));
  if (error !== undefined) problems.push(...errorProblems(error));
  return problems;
}

function delayProblems(delay: unknown): readonly string[] {
  try {
    durationMs(delay as Duration);
    return [];
  } catch (error) {
    return [`delay: ${(error as TypeError).message}`];
  }
}

function errorProblems(error: unknown): readonly string[] {
  if (typeof error === "string")
    return Object.hasOwn(reasons, error)
      ? []
      : [`error: ${shown(error)} is none of ${Object.keys(reasons).join(", ")}`];
  if (!isObject(error))
    return isRefusal(error) ? [] : [`error: ${shown(error)} must be an HTTP status from 400 to 599`];
  const { code, ...texts } = error;
  const problems = isRefusal(code)
    ? []
    : [`error.code: ${shown(code)} must be an HTTP status from 400 to 599`];
  for (const [field, value] of Object.entries(texts))
    if (!errorFields.includes(field))
      problems.push(`error.${field}: ${shown(value)} is none of ${errorFields.join(", ")}`);
    else if (value !== undefined && typeof value !== "string")
      problems.push(`error.${field}: ${shown(value)} must be a text`);
  return problems;
}
