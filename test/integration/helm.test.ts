import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startTestCluster, type TestCluster } from "../../controlplane/controllers/testing/cluster.ts";
import { helmFor, helmProgram } from "../helm.ts";
import { isInstalled } from "../local-cluster.ts";

const chart = fileURLToPath(new URL("charts/shop", import.meta.url));

/** A chart with one of everything that popular ones do – definitions, a subchart, lookups, a webhook's certificate, hooks, a
 *  test – through a release's whole life, in this order. Hooks' pods succeed, and others get ready, unless they say not to. */
describe("integration: helm", function () {
  this.timeout(600_000);
  this.bail(true);
  let cluster: TestCluster;
  let folder: string;
  before(async function () {
    if (!isInstalled(helmProgram)) {
      console.log("    skipped: no helm (PINTLE_HELM names one)");
      return this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), "pintle-helm-"));
    cluster = await startTestCluster({
      nodes: ["node-1"],
      kubelet: {
        outcome: ({ spec: { containers } }) => {
          if (containers.some(({ command }) => command?.[0] === "never-ready")) return undefined;
          return containers.some(({ image }) => image === "hook:1" || image === "test:1")
            ? "succeeded"
            : "ready";
        },
      },
    });
  });
  after(async () => {
    if (cluster === undefined) return;
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const helm = (...args: string[]) => helmFor(cluster.api.kubeconfig, folder)(...args);
  const namespace = "/api/v1/namespaces/shops";
  const get = (path: string) => cluster.api.admin.call("GET", path);
  const read = async (path: string) => {
    const { code, text, body } = await get(path);
    assert.equal(code, 200, `GET ${path}: ${text}`);
    return body;
  };
  const inShops = ["--namespace=shops", "--timeout=4m"];

  it("installs: definitions first, hooks by weight, and waits until all is ready", async () => {
    const said = await helm("install", "a", chart, ...inShops, "--create-namespace", "--wait");
    assert.match(said, /STATUS: deployed/);
    assert.match(said, /shop says hello in revision 1/);
    const settings = await read(`${namespace}/configmaps/a`);
    assert.match(settings.data.version, /^v1\.36\./);
    assert.equal(settings.metadata.labels["app.kubernetes.io/managed-by"], "Helm");
    const deployment = await read("/apis/apps/v1/namespaces/shops/deployments/a");
    assert.equal(deployment.status.readyReplicas, 2);
    assert.equal((await read("/apis/apps/v1/namespaces/shops/statefulsets/a-cache")).status.readyReplicas, 1);
    assert.deepEqual((await read("/apis/shop.example/v1/namespaces/shops/orders/first")).spec, {
      item: "hello",
      count: 1,
    });
    // What succeeded is deleted, what has no policy stays.
    assert.deepEqual((await read("/apis/batch/v1/namespaces/shops/jobs")).items, []);
    assert.equal((await read(`${namespace}/configmaps/a-before`)).data.made, "before");
  });

  it("tests: the test's pod runs to its end", async () => {
    const said = await helm("test", "a", ...inShops);
    assert.match(said, /TEST SUITE:\s+a-connection/);
    assert.match(said, /Phase:\s+Succeeded/);
  });

  it("upgrades: what changed changes, what was looked up stays, what left the chart goes", async () => {
    const certificate = (await read(`${namespace}/secrets/a-webhook`)).data["tls.crt"];
    const said = await helm(
      ...["upgrade", "a", chart, ...inShops, "--wait", "--set=greeting=moin,replicas=3,cache.enabled=false"],
    );
    assert.match(said, /shop says moin in revision 2/);
    assert.equal((await read(`${namespace}/secrets/a-webhook`)).data["tls.crt"], certificate);
    const { data } = await read(`${namespace}/configmaps/a`);
    assert.deepEqual([data.greeting, data.revision, data.hasOrders], ["moin", "2", "true"]);
    assert.equal((await read("/apis/apps/v1/namespaces/shops/deployments/a")).status.readyReplicas, 3);
    assert.equal((await get("/apis/apps/v1/namespaces/shops/statefulsets/a-cache")).code, 404);
  });

  it("rolls back by itself where an upgrade does not get ready", async () => {
    await assert.rejects(
      helm(
        "upgrade",
        "a",
        chart,
        "--namespace=shops",
        "--timeout=20s",
        "--rollback-on-failure",
        "--set=broken=true",
      ),
      /rolled back/,
    );
    const { data } = await read(`${namespace}/configmaps/a`);
    assert.equal(data.greeting, "moin");
    const history = JSON.parse(await helm("history", "a", "--namespace=shops", "--output=json"));
    assert.deepEqual(
      history.map(({ revision, status }: { revision: number; status: string }) => [revision, status]),
      [
        [1, "superseded"],
        [2, "superseded"],
        [3, "failed"],
        [4, "deployed"],
      ],
    );
  });

  it("rolls back to a revision, with what that had", async () => {
    await helm("rollback", "a", "1", ...inShops, "--wait");
    assert.equal((await read(`${namespace}/configmaps/a`)).data.greeting, "hello");
    assert.equal((await read("/apis/apps/v1/namespaces/shops/statefulsets/a-cache")).status.readyReplicas, 1);
    assert.match(await helm("get", "manifest", "a", "--namespace=shops"), /kind: StatefulSet/);
    assert.match(await helm("list", "--namespace=shops"), /a\s+shops\s+5\s.*deployed\s+shop-1\.0\.0/);
  });

  it("uninstalls: all that it made goes, but for definitions and what hooks made", async () => {
    await helm("uninstall", "a", ...inShops, "--wait");
    for (const path of [
      "/apis/apps/v1/namespaces/shops/deployments/a",
      `${namespace}/configmaps/a`,
      `${namespace}/services/a`,
      "/apis/shop.example/v1/namespaces/shops/orders/first",
      "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/a-webhook",
    ])
      assert.equal((await get(path)).code, 404, path);
    assert.equal(
      (await get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/orders.shop.example")).code,
      200,
    );
    assert.equal((await get(`${namespace}/configmaps/a-before`)).code, 200);
    const releases = await read(`${namespace}/secrets?labelSelector=owner%3Dhelm`);
    assert.deepEqual(releases.items, []);
  });
});
