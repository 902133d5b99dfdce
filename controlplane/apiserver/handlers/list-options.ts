import { badRequest, invalid, unknownError } from "../api-error.ts";
import type { Scope } from "../cache/scope.ts";
import { truthy } from "../filters/request-info.ts";
import { selectedField } from "../registry/field-labels.ts";
import type { FieldError } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { type FieldRequirement, parseFieldSelector, parseLabelSelector } from "../registry/selectors.ts";
import { checkName, listPrefix } from "../registry/stored-object.ts";
import { forbidden, notSupported } from "../resources/field-errors.ts";
import { queryInt64 } from "./whole-numbers.ts";

/** The query of a list or watch, checked. Pure. */
export interface ListOptions {
  /** `undefined`: not given. 0: anything will do. Any 64-bit number, since clients bring what other servers said. */
  readonly resourceVersion: bigint | undefined;
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
    resourceVersion: revisionOf(query.get("resourceVersion"), !isWatch),
    match: match === "Exact" || match === "NotOlderThan" ? match : "",
    limit: Math.max(0, queryInt64(query, "limit") ?? 0),
    continue: query.get("continue") ?? "",
    timeoutSeconds: queryInt64(query, "timeoutSeconds"),
    allowBookmarks: truthy(query.get("allowWatchBookmarks")),
    sendInitialEvents:
      sendInitialEvents ?? (isWatch && match === "" && beginsWithAll(query) ? true : undefined),
  };
}

/** A watch that says of no version where to begin: that what there was at its beginning is told, is marked there, too. */
const beginsWithAll = (query: URLSearchParams) => ["", "0"].includes(query.get("resourceVersion") ?? "");

interface Said {
  readonly match: string;
  readonly isWatch: boolean;
  readonly sendInitialEvents: boolean;
}

/** apimachinery's ValidateListOptions. */
function optionProblems(query: URLSearchParams, said: Said): FieldError[] {
  const { match } = said;
  const continues = (query.get("continue") ?? "") !== "";
  if (said.isWatch) return watchProblems(said, continues);
  const revision = query.get("resourceVersion") ?? "";
  const problems: FieldError[] = [];
  if (match !== "") {
    if (revision === "")
      problems.push(
        forbidden(
          "resourceVersionMatch",
          "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
      );
    if (continues)
      problems.push(
        forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"),
      );
    if (match !== "Exact" && match !== "NotOlderThan")
      problems.push(notSupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && revision === "0")
      problems.push(
        forbidden(
          "resourceVersionMatch",
          'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        ),
      );
  }
  if (said.sendInitialEvents)
    problems.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return problems;
}

function watchProblems({ match, sendInitialEvents }: Said, continues: boolean): FieldError[] {
  const problems: FieldError[] = [];
  if (sendInitialEvents && match !== "NotOlderThan")
    problems.push(
      forbidden(
        "resourceVersionMatch",
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      ),
    );
  if (match === "" && !continues) return problems;
  if (match !== "" && !sendInitialEvents)
    problems.push(
      forbidden(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
      ),
    );
  if (match !== "" && match !== "NotOlderThan")
    problems.push(notSupported("resourceVersionMatch", match, ["NotOlderThan"]));
  if (continues)
    problems.push(
      forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"),
    );
  return problems;
}

const largestRevision = 2n ** 64n - 1n;

/** `undefined` where none is given. Fails as Kubernetes does: lists with BadRequest, others with 500 and no reason. */
export function revisionOf(text: string | null, isList: boolean): bigint | undefined {
  if (text === null || text === "") return undefined;
  const isNumber = /^\d+$/.test(text);
  if (isNumber && BigInt(text) <= largestRevision) return BigInt(text);
  const quoted = JSON.stringify(text);
  const why = `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${isNumber ? "value out of range" : "invalid syntax"}`;
  throw isList ? badRequest(`invalid resource version: ${why}`) : unknownError(why);
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
      field: selectedField(served, requirement.field),
    }),
  );
  if (target.name !== "") {
    checkName(target.name);
    fields.push({ field: "metadata.name", equal: true, value: target.name });
  }
  const isShown = ({ field }: FieldRequirement) =>
    served.slow !== undefined && !field.startsWith("metadata.");
  return {
    prefix: listPrefix(served.kind, target.namespace),
    labels: parseLabelSelector(query.get("labelSelector") ?? ""),
    fields: fields.filter((one) => !isShown(one)),
    shown: fields.filter(isShown),
  };
}
