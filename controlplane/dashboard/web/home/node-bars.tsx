import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { callJson } from "../api/session.ts";
import { amountText } from "../model/amounts.ts";
import { heldByNode, nodeUses, type Share, type Usage } from "../model/node-use.ts";
import { to } from "../route.ts";
import { PlainTable } from "../ui/plain-table.tsx";
import { usePolled } from "../ui/poll.ts";
import { Value } from "../ui/table.tsx";
import { UsageBar } from "../ui/usage-bar.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { nodeKind } from "./kinds.ts";

const measuredEveryMs = 15_000;
const shown = 100;
const nobody: ReadonlyMap<string, Usage> = new Map();

interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage?: Usage;
}

const readUsage = async (signal: AbortSignal): Promise<ReadonlyMap<string, Usage>> => {
  const path = "/apis/metrics.k8s.io/v1beta1/nodes";
  const { items = [] } = await callJson<{ items?: readonly NodeMetrics[] }>(path, { signal });
  return new Map(items.map(({ metadata, usage = {} }) => [metadata.name, usage]));
};

/** Nodes: what is there, what pods ask for, and what is used. */
export function NodeBars({ feeds }: { readonly feeds: ClusterFeeds }) {
  const nodes = feeds.of(nodeKind);
  // Pods of one namespace say nothing of a node as a whole.
  const pods = feeds.namespace === "" ? feeds.pods() : undefined;
  const usage = usePolled(readUsage, measuredEveryMs) ?? nobody;
  const held = useRecount(
    [pods],
    () => pods && heldByNode([...pods.items.values()].map(({ object }) => object as KubeObject)),
    { everyMs: 2_000 },
  );
  const uses = useRecount([nodes], () => nodeUses(nodes?.objects() ?? [], held, usage), {
    also: [held, usage],
  });
  if (nodes?.state.value.is === "refused") return null;
  const isAsked = pods !== undefined && pods.state.value.is !== "refused";
  return (
    <section>
      <h2>Nodes</h2>
      <PlainTable heads={["Name", "State", "CPU", "Memory", "Pods", "Version"]}>
        {uses.slice(0, shown).map(({ name, state, version, shares }) => (
          <tr key={name}>
            <td>
              <a href={to(["k", "core", "nodes", "_", name])}>{name}</a>
            </td>
            <td>
              <Value column="Status" text={state} />
            </td>
            {shares.map((share) => (
              <td key={share.resource}>
                <ShareView of={share} isAsked={isAsked} />
              </td>
            ))}
            <td class="quiet">{version}</td>
          </tr>
        ))}
      </PlainTable>
      {uses.length > shown && <p class="quiet">and {uses.length - shown} more nodes</p>}
    </section>
  );
}

function ShareView({
  of: { resource, all, requested, used },
  isAsked,
}: {
  readonly of: Share;
  readonly isAsked: boolean;
}) {
  const text = (amount: number) => amountText(resource, amount);
  if (resource === "pods")
    return (
      <span class="share">
        <UsageBar used={isAsked ? requested : undefined} all={all} />
        <span>
          {isAsked ? `${text(requested)} of ` : ""}
          {text(all)}
        </span>
      </span>
    );
  return (
    <span class="share">
      <UsageBar used={used} requested={isAsked ? requested : 0} all={all} />
      <span>
        {[
          ...(used === undefined ? [] : [`${text(used)} used`]),
          ...(isAsked ? [`${text(requested)} asked`] : []),
        ].join(", ")}
        <span class="quiet"> of {text(all)}</span>
      </span>
    </span>
  );
}
