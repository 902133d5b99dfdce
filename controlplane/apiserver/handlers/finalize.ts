import type { KubeObject } from "../../../client/types.ts";
import { objectOf } from "../json.ts";
import { updateObject } from "../registry/update-object.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { isDryRun } from "./write-options.ts";

/** PUT namespaces/NAME/finalize: sets spec.finalizers, which nothing else can change. With the last one gone from a
 *  namespace that is being deleted, so is the namespace. */
export async function finalize(call: Call, deps: HandlerDeps): Promise<Answer> {
  const wanted = await readObject(call, deps.schemas);
  const finalizers = objectOf(wanted.spec).finalizers;
  const change = (current: KubeObject): KubeObject => ({
    ...current,
    metadata: {
      ...current.metadata,
      uid: wanted.metadata.uid || current.metadata.uid,
      resourceVersion: wanted.metadata.resourceVersion || current.metadata.resourceVersion,
    },
    spec: { ...objectOf(current.spec), finalizers: Array.isArray(finalizers) ? finalizers : [] },
  });
  const options = {
    dryRun: isDryRun(call.query, "UpdateOptions"),
    via: "server",
    by: requesterOf(call),
  } as const;
  const object = await updateObject(deps, call.served.kind, call.target, change, options);
  return { type: "object", code: 200, object };
}
