import type { KubeObject } from "../../../client/types.ts";
import { header } from "../filters/request-info.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import type { Call, HandlerDeps } from "./call.ts";

/** Keeps the record of who set which fields true after an update that is no apply; mutates and returns `next`. */
export function recordManager(
  call: Call,
  deps: HandlerDeps,
  change: { current: KubeObject; next: KubeObject },
): KubeObject {
  const { current, next } = change;
  const { managedFields } = next.metadata;
  // A client that knows nothing of field managers does not drop the record; an empty list does.
  if (managedFields === undefined && current.metadata.managedFields !== undefined)
    next.metadata.managedFields = current.metadata.managedFields;
  if (managedFields?.length === 0) {
    delete next.metadata.managedFields;
    return next;
  }
  deps.schemas.recordUpdate({
    current,
    next,
    manager: managerOf(call),
    subresource: call.target.subresource,
    now: rfc3339(deps.clock.wallMs()),
  });
  return next;
}

/** Named in the query, else the first word of the user agent, as in Kubernetes. */
function managerOf(call: Call): string {
  return call.query.get("fieldManager") || header(call.headers, "user-agent").split("/")[0] || "unknown";
}
