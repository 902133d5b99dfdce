import { parseExactJson } from "../../../base/exact-json.ts";
import { goKindOf } from "../go-json-error.ts";
import { isObject, type JsonObject, stringOf } from "../json.ts";
import { nestsTooDeep, tooDeep } from "../nesting.ts";
import type { HookAnswer } from "./hook-client.ts";

/** What a webhook answered is read as client-go reads it, in its words. */

const fixed: Readonly<Record<number, string>> = {
  400: "the server rejected our request for an unknown reason",
  401: "the server has asked for the client to provide credentials",
  404: "the server could not find the requested resource",
  405: "the server does not allow this method on the requested resource",
  409: "the server reported a conflict",
  415: "the body of the request was in an unknown format - accepted media types include: ",
  422: "the server rejected our request due to an error in our request",
  429: "the server has received too many requests and has asked us to try again later",
  503: "the server is currently unable to handle the request",
  504: "the server was unable to return a response in the time allotted, but may still be processing the request",
};

/** Of a review around its objects. */
const reviewLevels = 8;

export type Read = { readonly review: JsonObject } | { readonly problem: string };

/** The review that an answer brings. @param group Of the review's API. @param kind The review's. @param version As asked. */
export function readReview(
  { code, contentType, text }: HookAnswer,
  { group, version, kind, versions }: ReviewType,
): Read {
  const body = parsed(text);
  if (nestsTooDeep(body, reviewLevels)) return { problem: tooDeep };
  if (isObject(body) && body.kind === "Status" && body.apiVersion === "v1" && body.status !== "Success")
    return { problem: stringOf(body.message) || "unknown" };
  if (code < 200 || code > 206) return { problem: refusalText(code, text) };
  if (text === "")
    return { problem: `0-length response with status code: ${code} and content type: ${contentType}` };
  if (!isObject(body)) return { problem: noType(body === undefined ? "string" : goKindOf(body)) };
  const [saidVersion, saidKind] = [stringOf(body.apiVersion), stringOf(body.kind)];
  if (saidVersion === "" && saidKind === "") return { review: body };
  const known = versions.some((one) => saidVersion === `${group}/${one}`);
  if (!known || saidKind !== kind)
    return {
      problem: `no kind ${JSON.stringify(saidKind)} is registered for version ${JSON.stringify(saidVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    };
  const own = saidVersion.slice(group.length + 1);
  if (own !== version)
    return { problem: `converting (${own}.${kind}) to (${version}.${kind}): unknown conversion` };
  return { review: body };
}

export interface ReviewType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Those that are spoken here. */
  readonly versions: readonly string[];
}

function parsed(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined; // what is no JSON is told as such
  }
}

function refusalText(code: number, body: string): string {
  if (code === 403) return body;
  const known = fixed[code];
  if (known !== undefined) return known;
  if (code >= 500)
    return `an error on the server (${JSON.stringify(body || "unknown")}) has prevented the request from succeeding`;
  return `the server responded with the status code ${code} but did not return more information`;
}

const noType = (kind: string) =>
  `couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;

/** What a field is expected to be; `T` in Go's words. */
export interface FieldShape {
  readonly field: string;
  readonly type: string;
  readonly fits: (value: unknown) => boolean;
}

/** Why the first field that does not fit is of another type; undefined where all fit, and for fields that are not there. */
export function shapeProblem(
  object: JsonObject,
  shapes: readonly FieldShape[],
  path: string,
): string | undefined {
  for (const { field, type, fits } of shapes) {
    const value = object[field];
    if (value === undefined || value === null || fits(value)) continue;
    return `json: cannot unmarshal ${goKindOf(value)} into Go struct field ${path}.${field} of type ${type}`;
  }
  return undefined;
}
