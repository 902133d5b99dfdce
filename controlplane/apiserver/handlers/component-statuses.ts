import { ownField } from "../../../base/own-field.ts";
import type { KubeObject, Lease } from "../../../client/types.ts";
import { notFound } from "../api-error.ts";
import { inScope } from "../cache/scope.ts";
import { toKubeObject } from "../json.ts";
import { decodeStored, encodeStored, objectKey, StoredObject } from "../registry/stored-object.ts";
import { componentStatuses } from "../resources/componentstatuses.ts";
import { leases } from "../resources/leases.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { listOptions, scopeOf } from "./list-options.ts";

/** GET of the control plane's parts. Kubernetes asks two ports of its own machine; ours may be anywhere, and there may be several
 *  of each: one that works says so in its lease. The store is asked. */
export async function getComponentStatus(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { name } = call.target;
  const found = await ownField(checks, name)?.(deps);
  if (found === undefined) throw notFound({ group: "", plural: "componentstatus" }, name);
  return { type: "object", code: 200, object: statusOf(name, found) };
}

export async function listComponentStatuses(call: Call, deps: HandlerDeps): Promise<Answer> {
  listOptions(call.query, false);
  const scope = scopeOf(call.served, call.target, call.query);
  const all = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => statusOf(name, await check(deps))),
  );
  const items = all.map(asStored).filter((one) => inScope(scope, one));
  return { type: "list", list: { items, revision: 0, continue: "", remaining: undefined } };
}

interface Health {
  readonly status: "True" | "False" | "Unknown";
  readonly message?: string;
  readonly error?: string;
}
type Check = (deps: Pick<HandlerDeps, "storage" | "clock">) => Promise<Health>;

const checks: Readonly<Record<string, Check>> = {
  "controller-manager": (deps) => leading("kube-controller-manager", deps),
  "etcd-0": ({ storage }) =>
    storage.revision().then(
      () => ({ status: "True", message: "ok" }),
      (error: unknown) => ({ status: "False", error: textOf(error) }),
    ),
  scheduler: (deps) => leading("kube-scheduler", deps),
};

/** Does one of the component's processes hold its lease? */
async function leading(
  component: string,
  { storage, clock }: Pick<HandlerDeps, "storage" | "clock">,
): Promise<Health> {
  const lease = await storage.get(objectKey(leases, "kube-system", component)).then(
    ({ entry }) => entry && (decodeStored(leases, entry.value, entry.modRevision) as unknown as Lease),
    (error: unknown) => textOf(error),
  );
  if (typeof lease === "string") return { status: "Unknown", error: lease };
  if (lease === undefined)
    return {
      status: "Unknown",
      error: `there is no lease kube-system/${component}: nobody says that it runs`,
    };
  const { holderIdentity = "", renewTime, leaseDurationSeconds = 0 } = lease.spec ?? {};
  const renewedMs = Date.parse(String(renewTime));
  if (holderIdentity !== "" && renewedMs + leaseDurationSeconds * 1000 > clock.wallMs())
    return { status: "True", message: "ok" };
  const since = Number.isNaN(renewedMs) ? "" : ` since ${new Date(renewedMs).toISOString()}`;
  return { status: "False", message: `nobody has renewed the lease kube-system/${component}${since}` };
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function statusOf(name: string, health: Health): KubeObject {
  const { kind, version: apiVersion } = componentStatuses;
  const conditions = [{ type: "Healthy", ...health }];
  // It was never made, so it has nothing but a name.
  return Object.assign(toKubeObject({ kind, apiVersion, conditions }), { metadata: { name } });
}

/** As lists take objects: nothing is stored. */
function asStored(object: KubeObject): StoredObject {
  const key = objectKey(componentStatuses, "", object.metadata.name);
  return new StoredObject(componentStatuses, { key, value: encodeStored(object), modRevision: 0 }, object);
}
