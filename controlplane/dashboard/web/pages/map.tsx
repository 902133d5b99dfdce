import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { toneSigns } from "../../../../client/rules/tone.ts";
import { ClusterFeeds } from "../api/cluster-feeds.ts";
import { kinds } from "../api/discovery.ts";
import { segmentsOf } from "../model/links.ts";
import { box, layoutOf, type MapLayout, type Placed, shortText } from "../model/map-layout.ts";
import {
  connectedTo,
  type Layer,
  layers,
  type MapNode,
  type Topology,
  topologyOf,
} from "../model/topology.ts";
import { namespace, to } from "../route.ts";
import { ObjectLink } from "../ui/object-link.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { useRecount } from "../ui/use-recount.ts";

const heads: Readonly<Record<Layer, string>> = {
  entries: "Comes in by",
  services: "Services",
  workloads: "Workloads",
  nodes: "Nodes",
};
const nameMost = 24;
const noteMost = 28;

const row = (group: string, version: string, kind: string, plural: string, namespaced = true) => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});
const sourceKinds = {
  ingresses: row("networking.k8s.io", "v1", "Ingress", "ingresses"),
  gateways: row("gateway.networking.k8s.io", "v1", "Gateway", "gateways"),
  routes: row("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
  services: row("", "v1", "Service", "services"),
  pods: row("", "v1", "Pod", "pods"),
  replicaSets: row("apps", "v1", "ReplicaSet", "replicasets"),
  nodes: row("", "v1", "Node", "nodes", false),
} as const;

/** How requests come to pods, and where these are: a picture, and the same as a table. */
export function MapPage() {
  const ns = namespace.value;
  return (
    <section class="page">
      <div class="page-head">
        <h1>Map</h1>
        <span class="quiet">{ns || "all namespaces"}</span>
      </div>
      {kinds.value.length > 0 && <Parts key={ns} namespace={ns} />}
    </section>
  );
}

function Parts({ namespace: ns }: { readonly namespace: string }) {
  const feeds = useMemo(() => new ClusterFeeds(ns), [ns]);
  useEffect(() => () => feeds.stop(), [feeds]);
  const of = (kind: keyof typeof sourceKinds) => feeds.of(sourceKinds[kind]);
  const names = Object.keys(sourceKinds) as (keyof typeof sourceKinds)[];
  const sources = names.map(of);
  const topology = useRecount(sources, () => {
    const objects = names.map((name, at) => [name, sources[at]?.objects() ?? []] as const);
    return topologyOf(Object.fromEntries(objects) as unknown as Parameters<typeof topologyOf>[0]);
  });
  const isLoading = sources.some((one) => one?.state.value.is === "loading");
  const hidden = names.filter((_, at) => sources[at]?.state.value.is === "refused");
  const left = layers.flatMap((layer) =>
    topology.left[layer] ? [`${topology.left[layer]} more ${heads[layer].toLowerCase()}`] : [],
  );
  return (
    <>
      {hidden.length > 0 && <p class="quiet">Not for you to see: {hidden.join(", ")}.</p>}
      {left.length > 0 && (
        <p class="quiet">
          Not drawn: {left.join(", ")}. One namespace, chosen at the top, has room for its own.
        </p>
      )}
      {topology.nodes.length === 0 ? (
        <p class="empty">{isLoading ? "Looking …" : "There is nothing to draw here."}</p>
      ) : (
        <>
          <Drawing topology={topology} showsNamespace={ns === ""} />
          <details>
            <summary>The same as a table</summary>
            <AsTable topology={topology} />
          </details>
        </>
      )}
    </>
  );
}

function Drawing({
  topology,
  showsNamespace,
}: {
  readonly topology: Topology;
  readonly showsNamespace: boolean;
}) {
  const layout: MapLayout = useMemo(() => layoutOf(topology), [topology]);
  const chosen = useSignal("");
  const lit = chosen.value === "" ? undefined : connectedTo(topology, chosen.value);
  const dim = (isLit: boolean | undefined) => (isLit === false ? " map-dim" : "");
  return (
    <div class="scroll map">
      <svg
        width={layout.width}
        height={layout.height}
        role="group"
        aria-label="Map of services, workloads and nodes"
      >
        {layout.columns.map(({ layer, x }) => (
          <text key={layer} class="map-head" x={x} y={16}>
            {heads[layer]}
          </text>
        ))}
        <g>
          {layout.lines.map(({ from, to: end, path }) => (
            <path
              key={`${from} ${end}`}
              class={`map-line${dim(lit && [from, end].every((id) => lit.has(id)))}`}
              d={path}
            />
          ))}
        </g>
        {layout.boxes.map((one) => (
          <Box
            key={one.id}
            of={one}
            class={`map-box${dim(lit?.has(one.id))}`}
            showsNamespace={showsNamespace}
            onChoose={(isChosen) => (chosen.value = isChosen ? one.id : "")}
          />
        ))}
      </svg>
    </div>
  );
}

interface BoxProps {
  readonly of: Placed;
  readonly class: string;
  readonly showsNamespace: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function Box({ of, class: name, showsNamespace, onChoose }: BoxProps) {
  const { kind, health, note, x, y } = of;
  const segments = segmentsOf(kinds.value, of);
  const where = showsNamespace && of.namespace ? `${of.namespace} · ` : "";
  const state = [health.word, note].filter(Boolean);
  const small = `${kind} · ${toneSigns[health.tone]} ${state.join(" · ")}`;
  const whole = `${kind} ${of.name}${of.namespace ? ` in ${of.namespace}` : ""}: ${state.join(", ")}`;
  const content = (
    <>
      <rect x={x} y={y} width={box.width} height={box.height} rx={7}>
        <title>{whole}</title>
      </rect>
      <text x={x + 10} y={y + 19} class="map-name">
        {shortText(`${where}${of.name}`, nameMost)}
      </text>
      <text x={x + 10} y={y + 36} class={`map-note map-${health.tone}`}>
        {shortText(small, noteMost)}
      </text>
    </>
  );
  if (segments === undefined) return <g class={name}>{content}</g>;
  return (
    <a
      class={name}
      href={to(segments)}
      onFocus={() => onChoose(true)}
      onBlur={() => onChoose(false)}
      onPointerEnter={() => onChoose(true)}
      onPointerLeave={() => onChoose(false)}
    >
      {content}
    </a>
  );
}

/** Each line of the picture, in words. */
function AsTable({ topology: { nodes, edges } }: { readonly topology: Topology }) {
  const byId = new Map(nodes.map((one) => [one.id, one]));
  const led = (from: string) => edges.filter((edge) => edge.from === from);
  return (
    <PlainTable heads={["What", "Namespace", "State", "Leads to"]}>
      {nodes.map((node) => (
        <tr key={node.id}>
          <td>
            <NodeLink of={node} />
          </td>
          <td>{node.namespace}</td>
          <td class={`tone-${node.health.tone}`}>
            <span aria-hidden="true">{toneSigns[node.health.tone]} </span>
            {[node.health.word, node.note].filter(Boolean).join(", ")}
          </td>
          <td>
            {led(node.id).map(({ to: end, count }, at) => {
              const other = byId.get(end);
              if (other === undefined) return null;
              return (
                <span key={end}>
                  {at > 0 && ", "}
                  <NodeLink of={other} />
                  {count > 1 && <span class="quiet"> ({count} pods)</span>}
                </span>
              );
            })}
          </td>
        </tr>
      ))}
    </PlainTable>
  );
}

const NodeLink = ({ of: { kind, name, namespace: at } }: { readonly of: MapNode }) => (
  <ObjectLink of={{ kind, name, ...(at !== "" && { namespace: at }) }} />
);
