import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { rowKey } from "../../../../client/rules/printed-table.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { callJson } from "../api/session.ts";
import { amountOf, foldEvents, nodesReady, podsByState, unwell } from "../model/overview.ts";
import { namespace, to } from "../route.ts";
import { PlainTable } from "../ui/plain-table.tsx";
import { Age, Value } from "../ui/table.tsx";
import { useObjects, useTable } from "../ui/use-feed.ts";

const measuredEveryMs = 15_000;

/** The state of the cluster in one look: what is there, what is wrong, and what was said of it. */
export function HomePage() {
  const ns = namespace.value;
  const inside = ns ? `/namespaces/${encodeURIComponent(ns)}` : "";
  const nodes = useObjects("/api/v1/nodes");
  const pods = useTable(`/api/v1${inside}/pods`);
  const deployments = useTable(`/apis/apps/v1${inside}/deployments`);
  const warnings = useObjects(`/api/v1${inside}/events`, { fieldSelector: "type=Warning" });
  for (const { version } of [nodes, pods, deployments, warnings]) void version.value;
  const ready = nodesReady(nodes.items.values());
  const states = podsByState(pods.items.values(), pods.columns.value);
  const sick = [
    ...unwell(deployments.items.values(), deployments.columns.value).map((row) => ({
      row,
      kind: "apps/deployments",
      feed: deployments,
    })),
    ...unwell(pods.items.values(), pods.columns.value).map((row) => ({ row, kind: "core/pods", feed: pods })),
  ];
  const isLoading = pods.state.value.is === "loading" || nodes.state.value.is === "loading";
  return (
    <section class="page" aria-busy={isLoading}>
      <div class="page-head">
        <h1>Overview</h1>
        <span class="quiet">{ns || "all namespaces"}</span>
      </div>
      <div class="tiles">
        <Tile title="Nodes ready" href={to(["k", "core", "nodes"])} refusal={nodes.state.value}>
          <strong class={ready.good === ready.all ? "" : "tone-bad"}>
            {ready.good} / {ready.all}
          </strong>
        </Tile>
        <Tile title="Pods" href={to(["k", "core", "pods"])} refusal={pods.state.value}>
          <strong>{pods.items.size.toLocaleString("en")}</strong>
          <span class="states">
            {states.slice(0, 4).map(([state, count]) => (
              <Value key={state} column="Status" text={`${state}, ${count}`} />
            ))}
          </span>
        </Tile>
        <Tile title="Deployments" href={to(["k", "apps", "deployments"])} refusal={deployments.state.value}>
          <strong>{deployments.items.size.toLocaleString("en")}</strong>
        </Tile>
      </div>
      <section>
        <h2>Not well</h2>
        {sick.length === 0 ? (
          <p class="empty">{isLoading ? "Looking …" : "Everything that should run does."}</p>
        ) : (
          <PlainTable>
            {sick.slice(0, 50).map(({ row, kind, feed }) => (
              <tr key={kind + rowKey(row)}>
                <td class="quiet">{row.object.metadata.namespace}</td>
                <td>
                  <a
                    href={to([
                      "k",
                      ...kind.split("/"),
                      row.object.metadata.namespace ?? "_",
                      row.object.metadata.name,
                    ])}
                  >
                    {row.object.metadata.name}
                  </a>
                </td>
                <td>{kind === "core/pods" ? "Pod" : "Deployment"}</td>
                {["Ready", "Status"].map((column) => (
                  <td key={column}>
                    <Value
                      column={column}
                      text={String(
                        row.cells[feed.columns.value.findIndex(({ name }) => name === column)] ?? "",
                      )}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </PlainTable>
        )}
      </section>
      <Nodes nodes={[...nodes.items.values()]} />
      <Warnings events={warnings.items.values()} />
    </section>
  );
}

interface TileProps {
  readonly title: string;
  readonly href: string;
  readonly refusal: { readonly is: string; readonly why?: string };
  readonly children: ComponentChildren;
}

function Tile({ title, href, refusal, children }: TileProps) {
  return (
    <a class="tile" href={href}>
      <span class="quiet">{title}</span>
      {refusal.is === "refused" ? <span title={refusal.why}>not for you to see</span> : children}
    </a>
  );
}

interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage?: { readonly cpu?: string; readonly memory?: string };
}

function Nodes({ nodes }: { readonly nodes: readonly KubeObject[] }) {
  const used = useSignal<ReadonlyMap<string, NodeMetrics["usage"]>>(new Map());
  useEffect(() => {
    const look = async () => {
      try {
        const { items = [] } = await callJson<{ items?: readonly NodeMetrics[] }>(
          "/apis/metrics.k8s.io/v1beta1/nodes",
        );
        used.value = new Map(items.map(({ metadata, usage }) => [metadata.name, usage]));
      } catch {
        // No metrics, no bars.
        used.value = new Map();
      }
    };
    void look();
    const timer = setInterval(() => void look(), measuredEveryMs);
    return () => clearInterval(timer);
  }, []);
  if (nodes.length === 0) return null;
  return (
    <section>
      <h2>Nodes</h2>
      <PlainTable heads={["Name", "CPU used", "Memory used", "Version"]}>
        {nodes.slice(0, 100).map(({ metadata: { name }, status }) => {
          const room = (status?.allocatable ?? {}) as Readonly<Record<string, string>>;
          const usage = used.value.get(name);
          const info = (status?.nodeInfo ?? {}) as { readonly kubeletVersion?: string };
          return (
            <tr key={name}>
              <td>
                <a href={to(["k", "core", "nodes", "_", name])}>{name}</a>
              </td>
              <td>
                <Bar label={`CPU of ${name}`} used={usage && amountOf(usage.cpu)} all={amountOf(room.cpu)} />
              </td>
              <td>
                <Bar
                  label={`Memory of ${name}`}
                  used={usage && amountOf(usage.memory)}
                  all={amountOf(room.memory)}
                />
              </td>
              <td class="quiet">{info.kubeletVersion}</td>
            </tr>
          );
        })}
      </PlainTable>
    </section>
  );
}

function Bar({
  label,
  used,
  all,
}: {
  readonly label: string;
  readonly used: number | undefined;
  readonly all: number;
}) {
  if (used === undefined || all === 0) return <span class="quiet">not measured</span>;
  const percent = Math.round((used / all) * 100);
  return (
    <span class="bar">
      <meter aria-label={label} min={0} max={100} high={85} value={percent} />
      {percent} %
    </span>
  );
}

function Warnings({ events }: { readonly events: Iterable<KubeObject> }) {
  const folded = foldEvents(events);
  return (
    <section>
      <h2>Warnings</h2>
      {folded.length === 0 ? (
        <p class="empty">None of the last hour.</p>
      ) : (
        <PlainTable>
          {folded.slice(0, 30).map(({ reason, message, count, lastSeen, objects }) => (
            <tr key={`${reason} ${message}`}>
              <td>
                <Age of={lastSeen} />
              </td>
              <td>
                {reason} <span class="quiet">×{count}</span>
              </td>
              <td>
                {objects[0]}
                {objects.length > 1 && <span class="quiet"> and {objects.length - 1} more</span>}
              </td>
              <td class="quiet">{message}</td>
            </tr>
          ))}
        </PlainTable>
      )}
    </section>
  );
}
