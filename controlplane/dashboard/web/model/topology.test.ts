import assert from "node:assert/strict";
import type { KubeObject } from "../api/object-feed.ts";
import { box, layoutOf, shortText } from "./map-layout.ts";
import { connectedTo, type MapSources, topologyOf } from "./topology.ts";

const object = (
  kind: string,
  name: string,
  more: Partial<KubeObject> = {},
  meta: object = {},
): KubeObject => ({
  kind,
  apiVersion: "v1",
  ...more,
  metadata: { name, uid: name, namespace: "shop", ...meta },
});
const owner = (kind: string, name: string) => ({
  ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid: name, controller: true }],
});
const isReady = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const pod = (name: string, app: string, nodeName: string, status: Record<string, unknown> = isReady) =>
  object(
    "Pod",
    name,
    { spec: { nodeName }, status },
    { labels: { app }, ...owner("ReplicaSet", `${app}-1`) },
  );
const service = (name: string, app: string) => object("Service", name, { spec: { selector: { app } } });
const none: MapSources = {
  ingresses: [],
  gateways: [],
  routes: [],
  services: [],
  pods: [],
  replicaSets: [],
  nodes: [],
};
const shop: MapSources = {
  ...none,
  ingresses: [
    object("Ingress", "front", {
      spec: { rules: [{ host: "a.example", http: { paths: [{ backend: { service: { name: "web" } } }] } }] },
    }),
  ],
  routes: [object("HTTPRoute", "api", { spec: { rules: [{ backendRefs: [{ name: "api" }] }] } })],
  services: [service("web", "web"), service("api", "api"), service("lost", "nothing")],
  replicaSets: ["web", "api"].map((app) => object("ReplicaSet", `${app}-1`, {}, owner("Deployment", app))),
  pods: [
    pod("web-1-a", "web", "node-1"),
    pod("web-1-b", "web", "node-2"),
    pod("api-1-a", "api", "node-2", { phase: "Failed" }),
    pod("done", "web", "node-2", { phase: "Succeeded" }),
    object("Pod", "alone", { spec: {}, status: { phase: "Pending" } }, { namespace: "other" }),
  ],
  nodes: ["node-1", "node-2"].map((name) => object("Node", name, { status: {} }, { namespace: undefined })),
};

describe("dashboard/web/model: the map", () => {
  it("leads from an ingress over a service and its pods' deployment to nodes", () => {
    const { nodes, edges } = topologyOf(shop);
    const said = new Set(edges.map(({ from, to, count }) => `${from} -> ${to} ${count}`));
    for (const line of [
      "Ingress shop/front -> Service shop/web 1",
      "HTTPRoute shop/api -> Service shop/api 1",
      "Service shop/web -> Deployment shop/web 2",
      "Deployment shop/web -> Node /node-1 1",
      "Deployment shop/web -> Node /node-2 1",
    ])
      assert.ok(said.has(line), line);
    const states = Object.fromEntries(nodes.map(({ id, health, note }) => [id, `${health.word}, ${note}`]));
    assert.equal(states["Service shop/lost"], "selects nothing, ");
    assert.equal(states["Service shop/api"], "no pod ready, ");
    assert.equal(states["Deployment shop/web"], ", 2 pods ready");
    assert.equal(states["Pod other/alone"], "pending, 0 of 1 pod ready");
  });
  it("draws of many those that are not well, says how many it leaves out, and no line to them", () => {
    const many = {
      ...none,
      services: Array.from({ length: 50 }, (_, at) => service(`s-${at}`, at === 49 ? "none" : "web")),
      pods: shop.pods,
    };
    const { nodes, edges, left } = topologyOf(many, 10);
    const services = nodes.filter(({ layer }) => layer === "services");
    assert.equal(services.length, 10);
    assert.ok(services.some(({ name }) => name === "s-49"));
    assert.equal(left.services, 40);
    const ids = new Set(nodes.map(({ id }) => id));
    assert.ok(edges.every(({ from, to }) => ids.has(from) && ids.has(to)));
  });
  it("finds what a box is joined to, up and down", () => {
    const { edges } = topologyOf(shop);
    assert.deepEqual([...connectedTo({ edges }, "Service shop/web")].sort(), [
      "Deployment shop/web",
      "Ingress shop/front",
      "Node /node-1",
      "Node /node-2",
      "Service shop/web",
    ]);
  });
  it("places boxes in columns, none over another, and the same for the same map", () => {
    const layout = layoutOf(topologyOf(shop));
    assert.deepEqual(layout, layoutOf(topologyOf(shop)));
    assert.deepEqual(
      layout.columns.map(({ layer }) => layer),
      ["entries", "services", "workloads", "nodes"],
    );
    for (const one of layout.boxes) {
      assert.ok(one.x + box.width <= layout.width && one.y + box.height <= layout.height);
      for (const other of layout.boxes)
        if (one !== other && one.x === other.x)
          assert.ok(Math.abs(one.y - other.y) >= box.height, `${one.id} ${other.id}`);
    }
    assert.equal(layout.lines.length, topologyOf(shop).edges.length);
    assert.deepEqual(layoutOf({ nodes: [], edges: [], left: {} }).boxes, []);
  });
  it("orders a column by what it is joined to, so that lines do not cross where they need not", () => {
    const crossed = {
      ...none,
      ingresses: [
        object("Ingress", "a", { spec: { defaultBackend: { service: { name: "z" } } } }),
        object("Ingress", "b", { spec: { defaultBackend: { service: { name: "y" } } } }),
      ],
      services: [service("y", "y"), service("z", "z")],
    };
    const { boxes } = layoutOf(topologyOf(crossed));
    const y = (name: string) => boxes.find((one) => one.name === name)?.y ?? 0;
    assert.equal(y("a") < y("b"), y("z") < y("y"));
  });
  it("shortens names that have no room", () => {
    assert.equal(shortText("abcdef", 4), "abc…");
    assert.equal(shortText("abcd", 4), "abcd");
  });
});
