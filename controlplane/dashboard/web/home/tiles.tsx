import type { ComponentChildren } from "preact";
import type { ClusterFeeds } from "../api/cluster-feeds.ts";
import type { FeedState } from "../api/live-list.ts";
import { nodesReady, podsByState } from "../model/overview.ts";
import { to } from "../route.ts";
import { Value } from "../ui/table.tsx";
import { useRecount } from "../ui/use-recount.ts";
import { nodeKind, workloadKinds } from "./kinds.ts";

/** Counts: what there is, and how much of it is well. */
export function Tiles({ feeds }: { readonly feeds: ClusterFeeds }) {
  const nodes = feeds.of(nodeKind);
  const pods = feeds.pods();
  const deployments = feeds.of(workloadKinds.deployments);
  const ready = useRecount([nodes], () => nodesReady(nodes?.objects() ?? []));
  const states = useRecount([pods], () => podsByState(pods.items.values(), pods.columns.value));
  const count = useRecount([deployments], () => deployments?.objects().length ?? 0);
  const all = states.reduce((sum, [, many]) => sum + many, pods.remaining.value);
  return (
    <div class="tiles">
      <Tile title="Nodes ready" href={to(["k", "core", "nodes"])} state={nodes?.state.value}>
        <strong class={ready.good === ready.all ? "" : "tone-bad"}>
          {ready.good} / {ready.all}
        </strong>
      </Tile>
      <Tile title="Pods" href={to(["k", "core", "pods"])} state={pods.state.value}>
        <strong>{all.toLocaleString("en")}</strong>
        <span class="states">
          {states.slice(0, 4).map(([state, many]) => (
            <Value key={state} column="Status" text={`${state}, ${many}`} />
          ))}
        </span>
      </Tile>
      <Tile title="Deployments" href={to(["k", "apps", "deployments"])} state={deployments?.state.value}>
        <strong>{count.toLocaleString("en")}</strong>
      </Tile>
    </div>
  );
}

interface TileProps {
  readonly title: string;
  readonly href: string;
  readonly state: FeedState | undefined;
  readonly children: ComponentChildren;
}

function Tile({ title, href, state, children }: TileProps) {
  return (
    <a class="tile" href={href}>
      <span class="quiet">{title}</span>
      {state?.is === "refused" ? (
        <span title={state.why}>not for you to see</span>
      ) : state?.is === "loading" ? (
        <strong class="quiet">…</strong>
      ) : (
        children
      )}
    </a>
  );
}
