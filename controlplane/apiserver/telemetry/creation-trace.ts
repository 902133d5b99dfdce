import { activeTrace } from "../../../base/tracing/active-span.ts";
import { type TraceContext, traceparent } from "../../../base/tracing/trace-context.ts";
import type { Tracer } from "../../../base/tracing/tracer.ts";
import { inTraceOf, traceAnnotation } from "../../../client/rules/pod-trace.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Kind } from "../registry/kind.ts";
import type { RegistryDeps } from "../registry/registry-deps.ts";
import { objectKey } from "../registry/stored-object.ts";

/** Pods, and what makes pods. */
const traced: ReadonlySet<string> = new Set([
  ...["/pods", "/replicationcontrollers", "batch/jobs", "batch/cronjobs"],
  ...["apps/deployments", "apps/replicasets", "apps/statefulsets", "apps/daemonsets"],
]);
/** So long after an owner was made is what is made for it part of its making. */
const partOfMakingMs = 60_000;

export interface CreationTraceDeps extends Pick<RegistryDeps, "hub" | "kinds" | "clock"> {
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** Stores a new object, and notes in it the trace that its making belongs to: that of what it is made for, while that is new, else
 *  that of the request. What a client says of it itself does not count. */
export async function inCreationTrace<T>(
  { tracer, ...deps }: CreationTraceDeps,
  { group, plural }: Kind,
  object: KubeObject,
  store: () => Promise<T>,
): Promise<T> {
  if (tracer === undefined || !traced.has(`${group}/${plural}`)) return store();
  note(object, undefined);
  const owner = await ownerOf(object, deps);
  if (owner === undefined) {
    note(object, activeTrace()?.span?.context);
    return store();
  }
  const { name, generateName = "", namespace = "" } = object.metadata;
  const attributes = () => ({ resource: plural, namespace, name: name || `${generateName}…` });
  return inTraceOf(tracer, owner, { name: "Create", attributes }, (span) => {
    note(object, span?.context);
    return store();
  });
}

function note({ metadata }: KubeObject, context: TraceContext | undefined): void {
  const { annotations } = metadata;
  if (context === undefined && annotations?.[traceAnnotation] === undefined) return;
  const { [traceAnnotation]: _, ...others } = annotations ?? {};
  metadata.annotations = { ...others, ...(context && { [traceAnnotation]: traceparent(context) }) };
}

/** Its controller, where that was made a moment ago. */
async function ownerOf(
  { metadata }: KubeObject,
  { hub, kinds, clock }: Omit<CreationTraceDeps, "tracer">,
): Promise<KubeObject | undefined> {
  const reference = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const kind = reference && kinds.byKind(reference.apiVersion, reference.kind)?.kind;
  if (reference === undefined || kind === undefined || !traced.has(`${kind.group}/${kind.plural}`))
    return undefined;
  const key = objectKey(kind, metadata.namespace ?? "", reference.name);
  const owner = (await hub.cache(kind)).get(key)?.object;
  if (owner?.metadata.uid !== reference.uid) return undefined;
  const ageMs = clock.wallMs() - Date.parse(owner.metadata.creationTimestamp ?? "");
  return ageMs <= partOfMakingMs ? owner : undefined;
}
