import { ownField } from "../../../base/own-field.ts";
import {
  badRequest,
  methodNotAllowed,
  notFound,
  pathNotFound,
  resourceNotFound,
  verbNotSupported,
} from "../api-error.ts";
import type { ResourceInfo, ResourceVerb } from "../filters/request-info.ts";
import type { Verb } from "../registry/kind.ts";
import { type ServedKind, supports } from "../registry/kind-table.ts";
import { bind } from "./binding.ts";
import type { Handler } from "./call.ts";
import { getComponentStatus, listComponentStatuses } from "./component-statuses.ts";
import { create } from "./create.ts";
import { remove } from "./delete.ts";
import { deleteCollection } from "./delete-collection.ts";
import { evict } from "./eviction.ts";
import { finalize } from "./finalize.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import { patch, patchThrough } from "./patch.ts";
import { podLog } from "./pod-log.ts";
import { podSession } from "./pod-session.ts";
import { getNodeMetrics, getPodMetrics, listNodeMetrics, listPodMetrics } from "./resource-metrics.ts";
import { review } from "./review.ts";
import { getScale, patchScale, updateScale } from "./scale.ts";
import { getStatus, patchStatus, updateStatus } from "./status.ts";
import { createToken } from "./token.ts";
import { update, updateThrough } from "./update.ts";
import { watch } from "./watch.ts";

type Handlers = Partial<Record<ResourceVerb, Handler>>;

const main: Record<Verb, Handler> = {
  create,
  get,
  list,
  watch,
  update,
  patch,
  delete: remove,
  deletecollection: deleteCollection,
};
const reviews: Handlers = { create: review };
/** By group and plural. */
const reported: Readonly<Record<string, Handlers>> = {
  "/componentstatuses": { get: getComponentStatus, list: listComponentStatuses },
  "metrics.k8s.io/nodes": { get: getNodeMetrics, list: listNodeMetrics },
  "metrics.k8s.io/pods": { get: getPodMetrics, list: listPodMetrics },
};
const special: Readonly<Record<string, Handlers>> = {
  binding: { create: bind },
  eviction: { create: evict },
  token: { create: createToken },
  finalize: { update: finalize },
  log: { get: podLog },
  exec: { get: podSession, create: podSession },
  attach: { get: podSession, create: podSession },
  portforward: { get: podSession, create: podSession },
};

const streams: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward"]);

/** Is what is asked for no object, but bytes that go on? Pure. */
export function isStream({ plural, subresource }: Pick<ResourceInfo, "plural" | "subresource">): boolean {
  return plural === "pods" && streams.has(subresource);
}

/** Can what is asked for be shown as a table? Kinds, their parts, their status and their scale can; reviews, and subresources
 *  that do something to an object, cannot. Pure. */
export function showsTables(
  { kind, subresources }: ServedKind,
  { plural, subresource }: Pick<ResourceInfo, "plural" | "subresource">,
): boolean {
  if (kind.isReview || plural === "bindings") return false;
  if (partOf(subresources, subresource) !== undefined) return true;
  return subresource === "" || subresource === "status" || subresource === "scale";
}

/** The handler for what is asked; fails with 404 for an unknown subresource and with 405 for a verb it lacks. Pure. */
export function handlerFor(served: ServedKind, target: ResourceInfo): Handler {
  const { subresource, verb } = target;
  const { namespaced, plural } = served.kind;
  // A namespace is said to be in itself.
  // What a definition brings is nowhere but where it says.
  if (isCustom(served) && !isPlace(namespaced, target)) throw pathNotFound();
  if (!namespaced && target.namespace !== "" && plural !== "namespaces") throw resourceNotFound();
  const handlers = subresource === "" ? mainHandlers(served) : subresourceHandlers(served, subresource);
  if (handlers === undefined) throw isCustom(served) ? notFound(served, target.name) : resourceNotFound();
  // What is answered and never kept has no place of its own.
  if (served.kind.isReview && target.name !== "") throw resourceNotFound();
  const serves = subresource !== "" || served.kind.isReview || (verb !== "" && supports(served.kind, verb));
  const handler = serves ? handlers[verb] : undefined;
  if (isCustom(served)) return customHandler(served, target, handler);
  if (handler === undefined || !nameFits(target)) throw methodNotAllowed();
  return handler;
}

/** Nothing routes what a definition brings: what is asked is looked at by whoever does it. A name that is not for creating is not
 *  read. */
function customHandler(
  { kind }: ServedKind,
  { verb, name }: ResourceInfo,
  handler: Handler | undefined,
): Handler {
  if (handler === undefined) throw verbNotSupported(verb, kind);
  if (name === "" && (verb === "update" || verb === "patch")) throw badRequest("name must be provided");
  return handler;
}

const isCustom = ({ schema }: ServedKind) => schema !== undefined;

/** Many are found across all namespaces, one in its own. */
function isPlace(namespaced: boolean, { namespace, verb }: ResourceInfo): boolean {
  if (!namespaced) return namespace === "";
  return namespace !== "" || verb === "list" || verb === "watch";
}

/** Of which a kind may serve some only. */
function mainHandlers({ kind, group, plural }: ServedKind): Handlers | undefined {
  if (kind.isReported) return reported[`${group}/${plural}`];
  return kind.isReview ? reviews : main;
}

const partOf = ({ parts = {} }: ServedKind["subresources"], name: string) => ownField(parts, name);

function subresourceHandlers({ subresources }: ServedKind, subresource: string): Handlers | undefined {
  if (subresource === "status" && subresources.status)
    return { get: getStatus, update: updateStatus, patch: patchStatus };
  if (subresource === "scale" && subresources.scale)
    return { get: getScale, update: updateScale, patch: patchScale };
  const part = partOf(subresources, subresource);
  if (part !== undefined)
    return {
      get,
      update: (call, deps) => updateThrough(call, deps, part),
      patch: (call, deps) => patchThrough(call, deps, { via: part }),
    };
  return subresources.special?.includes(subresource) ? special[subresource] : undefined;
}

/** PUT, PATCH and the like need a name; POST to a collection has none. */
function nameFits({ verb, name, subresource }: ResourceInfo): boolean {
  if (subresource !== "") return name !== "";
  if (verb === "create") return name === "";
  return name !== "" || verb === "list" || verb === "watch" || verb === "deletecollection";
}
