import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";
import { port } from "./topology.ts";

/** Which component leads of each replicated kind, by kind; kinds without a leader right now are absent. */
export async function leaders(layout: Layout, state: ClusterState): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const [store, leases] = await Promise.all([storeLeader(state), leaseHolders(layout, state)]);
  if (store !== undefined) found.set("store", store);
  for (const [kind, holder] of leases) found.set(kind, holder);
  return found;
}

/** What a store member says of itself on its metrics address; undefined where it does not answer. */
export async function storeMember(
  state: ClusterState,
  number: number,
): Promise<Readonly<Record<string, number>> | undefined> {
  const url = `http://127.0.0.1:${port(state.plan, `store-metrics-${number}`)}/metrics`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1500) });
    const rows = (await response.text()).split("\n").flatMap((line) => {
      const match = /^(\w+)(?:\{[^}]*\})? (\S+)$/.exec(line);
      return match ? [[match[1] ?? "", Number(match[2])] as const] : [];
    });
    return Object.fromEntries(rows);
  } catch (error) {
    if (error instanceof Error) return undefined; // not running, or not yet: that is the answer
    throw error;
  }
}

async function storeLeader(state: ClusterState): Promise<string | undefined> {
  const members = await Promise.all(
    Array.from({ length: state.plan.replicas }, async (_, i) => ({
      number: i + 1,
      figures: await storeMember(state, i + 1),
    })),
  );
  const leading = members.find(({ figures }) => figures?.etcd_server_is_leader === 1);
  return leading === undefined
    ? undefined
    : state.plan.replicas === 1
      ? "server-1"
      : `store-${leading.number}`;
}

/** Lease holders carry the pid of their process (`host_pid_random`), which names the component. */
async function leaseHolders(layout: Layout, state: ClusterState): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const client = new RestClient(loadKubeconfig(layout.kubeconfig));
  try {
    const { items } = await client.list(resources.leases, { namespace: "kube-system", timeoutMs: 3000 });
    for (const lease of items) {
      const kind = lease.metadata.name.replace(/^kube-/, "");
      const holder = lease.spec?.holderIdentity ?? "";
      const owner = state.components.find(
        (component) => component.kind === kind && holder.split("_")[1] === String(component.pid),
      );
      const renewedMs = Date.parse(lease.spec?.renewTime ?? "");
      const fresh = Date.now() - renewedMs < (lease.spec?.leaseDurationSeconds ?? 15) * 1000;
      if (owner !== undefined && fresh) found.set(kind, owner.name);
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error; // an API that does not answer shows as "no leader known"
  } finally {
    client.close();
  }
  return found;
}
