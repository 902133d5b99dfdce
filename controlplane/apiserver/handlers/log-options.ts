import { badRequest, invalid } from "../api-error.ts";
import type { FieldError } from "../registry/kind.ts";
import { parseRfc3339 } from "./rfc3339-query.ts";
import { queryInt64 } from "./whole-numbers.ts";

/** What is asked of a log. */
export interface LogOptions {
  /** Of the node. */
  readonly query: URLSearchParams;
  /** The node need not show a certificate that can be trusted. */
  readonly skipsVerification: boolean;
}

/** What the node is asked of a request for a log: PodLogOptions, read and checked as Kubernetes does. Fails with BadRequest
 *  and Invalid. Pure. */
export function logOptions(query: URLSearchParams, pod: string): LogOptions {
  const sinceSeconds = queryInt64(query, "sinceSeconds");
  const sinceTime = queryTime(query, "sinceTime");
  const tailLines = queryInt64(query, "tailLines");
  const limitBytes = queryInt64(query, "limitBytes");
  const problems: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0)
    problems.push(tooSmall("tailLines", tailLines, "must be greater than or equal to 0"));
  if (limitBytes !== undefined && limitBytes < 1)
    problems.push(tooSmall("limitBytes", limitBytes, "must be greater than 0"));
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    problems.push(forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    problems.push(tooSmall("sinceSeconds", sinceSeconds, "must be greater than 0"));
  // Kubernetes has it behind a feature gate that is off.
  if (query.has("stream")) problems.push(forbidden("stream", "may not be specified"));
  if (problems.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, pod, problems);
  const asked = new URLSearchParams();
  for (const name of ["follow", "previous", "timestamps"])
    if (queryFlag(query, name)) asked.set(name, "true");
  for (const [name, value] of Object.entries({ sinceSeconds, sinceTime, tailLines, limitBytes }))
    if (value !== undefined) asked.set(name, String(value));
  asked.sort();
  return { query: asked, skipsVerification: queryFlag(query, "insecureSkipTLSVerifyBackend") };
}

/** As Go's conversion: whatever is there and is neither 0 nor false. */
function queryFlag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== "0" && text.toLowerCase() !== "false";
}

function queryTime(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (text === null || text === "" || text === "null") return undefined;
  const problem = parseRfc3339(text);
  if (problem !== undefined) throw badRequest(problem);
  return text;
}

const tooSmall = (field: string, value: number, rule: string): FieldError => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${value}: ${rule}`,
});

const forbidden = (field: string, rule: string): FieldError => ({
  reason: "FieldValueForbidden",
  field,
  message: `Forbidden: ${rule}`,
});
