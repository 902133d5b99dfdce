import type { ApiClient } from "../../../client/api.ts";
import { isAlreadyExists } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { ControllerRevision, StatefulSet } from "../../../client/types.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import { keepsFor } from "../revision-data.ts";
import { planNewest } from "./plan-set-revisions.ts";

const collisionsMax = 20;

export interface Newest {
  readonly update: ControllerRevision;
  readonly collisionCount: number;
}

/** Writes down the set's template as the newest of its history, if it is not. A name taken by our own revision of the
 *  same template, or by nobody's, means that the cache lags; by anything else, that two templates have the same hash, and the
 *  next one counts in a collision more. Undefined in a namespace that is being deleted. */
export async function newestRevision(
  client: ApiClient,
  set: StatefulSet,
  history: readonly ControllerRevision[],
): Promise<Newest | undefined> {
  const before = set.status?.collisionCount ?? 0;
  for (let collisionCount = before; collisionCount < before + collisionsMax; collisionCount++) {
    const plan = planNewest(set, history, collisionCount);
    if (plan.action === "use") return { update: plan.revision, collisionCount };
    if (plan.action === "renumber") {
      const { number: revision } = plan;
      const change = { revision };
      const { metadata } = plan.revision;
      const update = await client.patch(resources.controllerrevisions, metadata, change, { type: "merge" });
      return { update, collisionCount };
    }
    try {
      return { update: await client.create(resources.controllerrevisions, plan.object), collisionCount };
    } catch (error) {
      if (isNamespaceTerminating(error)) return undefined;
      if (!isAlreadyExists(error)) throw error;
    }
    const { name = "", namespace } = plan.object.metadata;
    const holder = await client.get(resources.controllerrevisions, { name, namespace });
    if (keepsFor(holder, set, plan.object.data)) return { update: holder, collisionCount };
  }
  throw new Error(`no free name for a revision of stateful set ${set.metadata.name}`);
}
