import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { ingressStatusController } from "./ingress-status-controller.ts";

describe("controllers: addresses of Ingresses", () => {
  const front = (address: string) => ({
    "pintle.dev/ingress-address": address,
    "pintle.dev/ingress-ports": "80",
  });
  const node = (
    name: string,
    address: string,
    more: { ready?: boolean; labels?: Record<string, string> } = {},
  ) => ({
    metadata: { name, annotations: address === "" ? {} : front(address), labels: more.labels ?? {} },
    status: { conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }] },
  });
  const ingress = (name: string, ingressClassName: string) => ({
    metadata: { name, namespace: "ns" },
    spec: { ingressClassName },
  });
  const addresses = (api: FakeApi) =>
    api
      .all(resources.ingresses)
      .map(
        ({ metadata, status }) =>
          `${metadata.name}: ${(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip)}`,
      );

  it("are those of nodes that are ready, answer, and may; for our classes alone", async () => {
    const api = new FakeApi();
    const no = { "pintle.dev.node-restriction.kubernetes.io/no-ingress": "" };
    for (const one of [
      node("b", "10.0.0.2"),
      node("a", "10.0.0.1"),
      node("silent", ""),
      node("sick", "10.0.0.3", { ready: false }),
      node("kept-out", "10.0.0.4", { labels: no }),
      node("liar", "evil.test"),
    ])
      await api.create(resources.nodes, one);
    await api.create(resources.ingressclasses, {
      metadata: { name: "p" },
      spec: { controller: "pintle.dev/ingress" },
    });
    await api.create(resources.ingressclasses, {
      metadata: { name: "o" },
      spec: { controller: "example.com/o" },
    });
    await api.create(resources.ingresses, ingress("ours", "p"));
    await api.create(resources.ingresses, ingress("theirs", "o"));
    const rig = await controllerRig(ingressStatusController, { api });
    await rig.settle();
    assert.deepEqual(addresses(api), ["ours: 10.0.0.1,10.0.0.2", "theirs: "]);
    await api.patch(
      resources.nodes,
      { name: "a" },
      { metadata: { annotations: front("10.0.0.9") } },
      { type: "merge" },
    );
    await rig.settle();
    assert.deepEqual(addresses(api), ["ours: 10.0.0.9,10.0.0.2", "theirs: "]);
    await api.patch(
      resources.nodes,
      { name: "a" },
      { metadata: { annotations: front("10.0.0.9,fd00::9,evil.test") } },
      { type: "merge" },
    );
    await rig.settle();
    assert.deepEqual(addresses(api), ["ours: 10.0.0.9,fd00::9,10.0.0.2", "theirs: "]);
    const writes = api.actions.length;
    await rig.settle();
    assert.equal(api.actions.length, writes, "what it says is not said again");
  });
});
