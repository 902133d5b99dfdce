import { badRequest, invalid } from "../api-error.ts";
import type { Scope } from "../cache/watch-cursor.ts";
import { truthy } from "../filters/request-info.ts";
import type { FieldError } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { type FieldRequirement, parseFieldSelector, parseLabelSelector } from "../registry/selectors.ts";
import { listPrefix, selectableNames } from "../registry/stored-object.ts";

/** The query of a list or watch, checked. Pure. */
export interface ListOptions {
  /** `undefined`: not given. 0: anything will do. */
  readonly resourceVersion: number | undefined;
  readonly match: "" | "Exact" | "NotOlderThan";
  readonly limit: number;
  readonly continue: string;
  readonly timeoutSeconds: number | undefined;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

export function listOptions(query: URLSearchParams, isWatch: boolean): ListOptions {
  const match = query.get("resourceVersionMatch") ?? "";
  const sendInitialEvents = query.has("sendInitialEvents")
    ? truthy(query.get("sendInitialEvents"))
    : undefined;
  const problems = optionProblems(query, {
    match,
    isWatch,
    sendInitialEvents: sendInitialEvents !== undefined,
  });
  if (problems.length > 0) throw invalid({ group: "meta.k8s.io", kind: "ListOptions" }, "", problems);
  return {
    resourceVersion: revisionOf(query.get("resourceVersion")),
    match: match === "Exact" || match === "NotOlderThan" ? match : "",
    limit: wholeNumber(query, "limit") ?? 0,
    continue: query.get("continue") ?? "",
    timeoutSeconds: wholeNumber(query, "timeoutSeconds"),
    allowBookmarks: truthy(query.get("allowWatchBookmarks")),
    sendInitialEvents,
  };
}

/** apimachinery's ValidateListOptions. */
function optionProblems(
  query: URLSearchParams,
  said: { readonly match: string; readonly isWatch: boolean; readonly sendInitialEvents: boolean },
): FieldError[] {
  const { match, isWatch } = said;
  const forbid = (field: string, why: string): FieldError => ({
    reason: "FieldValueForbidden",
    field,
    message: `Forbidden: ${why}`,
  });
  const revision = query.get("resourceVersion") ?? "";
  if (isWatch) return watchProblems(said, forbid);
  const problems: FieldError[] = [];
  if (said.sendInitialEvents)
    problems.push(forbid("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  if (match === "") return problems;
  if ((query.get("continue") ?? "") !== "")
    problems.push(
      forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"),
    );
  if (revision === "")
    problems.push(
      forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"),
    );
  if (match !== "Exact" && match !== "NotOlderThan")
    problems.push(unsupported(match, ["Exact", "NotOlderThan", ""]));
  if (match === "Exact" && revision === "0")
    problems.push(
      forbid("resourceVersionMatch", 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  return problems;
}

function watchProblems(
  { match, sendInitialEvents }: { readonly match: string; readonly sendInitialEvents: boolean },
  forbid: (field: string, why: string) => FieldError,
): FieldError[] {
  if (sendInitialEvents && match === "")
    return [
      forbid(
        "resourceVersionMatch",
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      ),
    ];
  if (sendInitialEvents) return match === "NotOlderThan" ? [] : [unsupported(match, ["NotOlderThan"])];
  if (match === "") return [];
  return [
    forbid(
      "resourceVersionMatch",
      "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    ),
  ];
}

function unsupported(match: string, values: readonly string[]): FieldError {
  const list = values.map((value) => JSON.stringify(value)).join(", ");
  return {
    reason: "FieldValueNotSupported",
    field: "resourceVersionMatch",
    message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${list}`,
  };
}

/** `undefined` where none is given. Fails with Invalid as Kubernetes does. */
export function revisionOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid({ group: "", kind: "ListOptions" }, "", [
    {
      reason: "FieldValueInvalid",
      field: "resourceVersion",
      message: `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    },
  ]);
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax (${name})`);
  return value;
}

/** Which objects the query is about. Fails with BadRequest for a field nobody can select by. */
export function scopeOf(
  served: ServedKind,
  target: { readonly namespace: string; readonly name: string },
  query: URLSearchParams,
): Scope {
  const fields: FieldRequirement[] = parseFieldSelector(query.get("fieldSelector") ?? "").map(
    (requirement) => ({
      ...requirement,
      field: storedField(served, requirement.field),
    }),
  );
  if (target.name !== "") fields.push({ field: "metadata.name", equal: true, value: target.name });
  return {
    prefix: listPrefix(served.kind, target.namespace),
    labels: parseLabelSelector(query.get("labelSelector") ?? ""),
    fields,
  };
}

function storedField(served: ServedKind, field: string): string {
  // events.k8s.io calls the object an event is about by another name.
  const stored = served.convert === undefined ? field : field.replace(/^regarding\./, "involvedObject.");
  if (selectableNames(served.kind).has(stored)) return stored;
  throw badRequest(`field label not supported: ${field}`);
}
