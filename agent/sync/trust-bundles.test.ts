import assert from "node:assert/strict";
import { createLog } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { readPem } from "../../base/pem.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock, settle } from "../../client/testing/manual-clock.ts";
import type { Pod } from "../../client/types.ts";
import { TrustBundles } from "./trust-bundles.ts";

const block = (text: string) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(text).toString("base64")}\n-----END CERTIFICATE-----\n`;

const podOf = (uid: string, isTrusting = true): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: uid,
    namespace: "ns",
    uid,
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
  },
  spec: {
    volumes: [
      {
        name: "v",
        projected: {
          sources: [
            isTrusting ? { clusterTrustBundle: { name: "a", path: "p" } } : { secret: { name: "s" } },
          ],
        },
      },
    ],
    containers: [{ name: "c", image: "i" }],
  },
});

describe("trust bundles of a node's pods", () => {
  const log = createLog({ level: "error", format: "text" });
  let api: FakeApi;
  let tasks: TaskScope;
  let changed: string[];
  let bundles: TrustBundles;
  let watches: number;

  beforeEach(async () => {
    api = new FakeApi();
    watches = 0;
    api.intercept = async ({ verb }) => {
      if (verb === "watch") watches++;
      return undefined;
    };
    tasks = new TaskScope(log);
    changed = [];
    const deps = { client: api, clock: new ManualClock(), random: { uint32: () => 7 }, log };
    bundles = new TrustBundles(deps, tasks, (uid) => changed.push(uid));
    await make("plain", block("one"));
    await make("example.com:ca:x", `words\n${block("two")}${block("three")}`, "example.com/ca", {
      env: "test",
    });
    await make("example.com:ca:y", block("three"), "example.com/ca", { env: "live" });
  });
  afterEach(() => tasks.stop());

  const make = (name: string, trustBundle: string, signerName?: string, labels?: Record<string, string>) =>
    api.create(resources.clustertrustbundles, {
      metadata: { name, ...(labels && { labels }) },
      spec: { trustBundle, ...(signerName && { signerName }) },
    });
  const textsIn = (pem: string) =>
    readPem(pem)
      .map(({ bytes }) => Buffer.from(bytes).toString())
      .sort();

  it("are one's by its name, or a signer's by labels, each certificate once", async () => {
    bundles.follow(podOf("p1"));
    const anchors = async (projection: object) =>
      textsIn(await bundles.anchors({ path: "p", ...projection }));
    assert.deepEqual(await anchors({ name: "plain" }), ["one"]);
    const signerName = "example.com/ca";
    assert.deepEqual(await anchors({ signerName, labelSelector: {} }), ["three", "two"]);
    assert.deepEqual(await anchors({ signerName, labelSelector: { matchLabels: { env: "live" } } }), [
      "three",
    ]);
    assert.deepEqual(await anchors({ signerName, optional: true }), [], "no selector takes none");
  });

  it("that are missing are named, unless the pod does without", async () => {
    bundles.follow(podOf("p1"));
    await assert.rejects(bundles.anchors({ name: "none", path: "p" }), /clustertrustbundle "none" not found/);
    await assert.rejects(
      bundles.anchors({ signerName: "example.com/other", labelSelector: {}, path: "p" }),
      /matched zero ClusterTrustBundles/,
    );
    assert.equal(await bundles.anchors({ name: "none", path: "p", optional: true }), "");
  });

  it("are followed by one watch while a pod has some, and told of as they change", async () => {
    bundles.follow(podOf("plain", false));
    assert.equal(bundles.watching, 0);
    bundles.follow(podOf("p1"));
    bundles.follow(podOf("p2"));
    await bundles.anchors({ name: "plain", path: "p" });
    assert.deepEqual([watches, changed], [1, []]);
    await api.patch(
      resources.clustertrustbundles,
      { name: "plain" },
      { spec: { trustBundle: block("new") } },
      { type: "merge" },
    );
    await settle();
    assert.deepEqual(changed, ["p1", "p2"]);
    assert.deepEqual(textsIn(await bundles.anchors({ name: "plain", path: "p" })), ["new"]);
    bundles.forget("p1");
    assert.equal(bundles.watching, 1);
    bundles.forget("p2");
    assert.equal(bundles.watching, 0);
  });
});
