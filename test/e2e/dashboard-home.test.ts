import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { systemClock } from "../../base/os/clock.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import { memberAsker } from "../../controlplane/apiserver/registry/store-members.ts";
import { startTestApiserver } from "../../controlplane/apiserver/testing.ts";
import { startStoreBeside } from "../store-beside.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";

const deployment = (name: string, image: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace: "default", labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "c", image, resources: { requests: { cpu: "2" } } }] },
    },
  },
});
const web = deployment("web", "good:1", 2);
const broken = deployment("broken", "bad:1", 1);
const crash = deployment("crash", "crash:1", 1);
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "front", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
};
const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "team", namespace: "default" },
  spec: { hard: { pods: "10" } },
};
const lease = {
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name: "kube-scheduler", namespace: "kube-system" },
  spec: {
    holderIdentity: "machine-7",
    acquireTime: "2026-01-01T00:00:00.000000Z",
    renewTime: new Date().toISOString().replace("Z", "000Z"),
    leaseDurationSeconds: 3600,
    leaseTransitions: 2,
  },
};
const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "gadgets.example.com" },
  spec: {
    group: "example.com",
    names: { kind: "Gadget", plural: "gadgets", singular: "gadget" },
    scope: "Namespaced",
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
};

describe("what the dashboard tells at one look", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: BrowserDashboard;
  let page: Page;

  before(async function () {
    if (!hasChromium) return this.skip();
    [cluster, browser] = await Promise.all([
      startCluster({
        nodes: 2,
        pods: [
          { image: "bad:*", pull: { error: "manifest unknown" } },
          { image: "crash:*", logs: "cannot open app.conf\n", exit: { code: 78 } },
        ],
      }),
      BrowserDashboard.open(),
    ]);
    await cluster.apply([web, broken, crash, service, quota, lease]);
    await cluster.untilReady(web);
    page = await browser.page((await browser.serve(cluster)).link());
  });
  afterEach(() => {
    assert.deepEqual(browser?.complaints.splice(0) ?? [], []);
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const heading = (name: string) => page.getByRole("heading", { name, exact: true });
  const rowOf = (...words: readonly string[]) =>
    words.reduce((rows, hasText) => rows.filter({ hasText }), page.getByRole("row")).first();

  it("says on the first page what is wrong, who leads, and what is used", async () => {
    await show(page, "/");
    await page.getByText("the image of container c cannot be pulled: bad:1").waitFor();
    await rowOf("kube-scheduler", "machine-7", "leads, after 2 changes").waitFor();
    await rowOf("API server", "Ready").waitFor();
    await rowOf("deployment/broken", "0 / 1", "0 of 1 updated replicas are available").waitFor();
    await rowOf("node-1", "asked", "of 8").waitFor();
    await rowOf("team", "4 of 10").waitFor();
    await assertAccessible(page);
  });

  it("says why on an object's own page, with what to type next, and that nothing is wrong where it is not", async () => {
    await show(page, "/");
    await page.getByText("the image of container c cannot be pulled: bad:1").click();
    await page.getByRole("link", { name: "default/deployment/broken" }).click();
    const why = page.getByRole("region", { name: "Why" });
    await why.getByText("its registry has none of this name and tag").waitFor();
    await why.getByRole("button", { name: /^Copy kubectl describe pod\/broken-/ }).waitFor();
    await why
      .getByRole("link", { name: /^pod\/broken-/ })
      .first()
      .waitFor();
    await show(page, "/k/apps/deployments/default/web");
    await page
      .getByRole("region", { name: "Why" })
      .getByText("nothing is wrong: its 2 pods are ready")
      .waitFor();
  });

  it("draws a pod under its deployment, and pods under a service", async () => {
    await show(page, "/k/apps/deployments/default/web");
    const tree = page.locator(".tree");
    const pods = tree.getByRole("link", { name: /^Pod web-/ });
    await pods.nth(1).waitFor();
    await pods.first().click();
    await tree.getByRole("link", { name: "Deployment web" }).waitFor();
    await tree
      .locator("[aria-current]")
      .getByText(/^Pod web-/)
      .waitFor();
    await assertAccessible(page);
    await show(page, "/k/core/services/default/front");
    await tree.getByRole("link", { name: /^EndpointSlice front-/ }).waitFor();
    await pods.nth(1).waitFor();
  });

  it("draws the way from services to nodes, and says it as a table", async () => {
    await page.getByRole("link", { name: "Map", exact: true }).click();
    await page.getByRole("link", { name: /front Service · ● ready/ }).waitFor();
    const workload = page.getByRole("link", { name: /web Deployment · ● 2 pods ready/ });
    await workload.waitFor();
    await page.getByText("The same as a table").click();
    await rowOf("service/front", "deployment/web", "(2 pods)").waitFor();
    await assertAccessible(page);
    await workload.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "web", exact: true }).waitFor();
  });

  it("finds objects by name and by label, and a kind that was not there before", async () => {
    const box = page.getByRole("combobox", { name: "Kind, namespace, name or label" });
    const option = (name: RegExp) => page.getByRole("option", { name });
    await page.keyboard.press("Control+k");
    await page.getByText(/^Names in \d+ kinds are looked through/).waitFor();
    await box.fill("front");
    await option(/^front Service · default/).waitFor();
    await box.fill("app=web deploy");
    await option(/^web Deployment · default · app=web/).click();
    await heading("web").waitFor();
    await cluster.apply(definition);
    await page.keyboard.press("Control+k");
    await box.fill("gadget");
    await option(/^Gadgets example\.com/).click();
    await page.getByText("No gadgets").waitFor();
  });

  it("shows its keys on ?, and goes by them", async () => {
    await page.locator("main").focus();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).getByText("filter the table").waitFor();
    await assertAccessible(page);
    await page.keyboard.press("Escape");
    await page.locator("main").focus();
    await page.keyboard.press("g");
    await page.keyboard.press("n");
    await heading("Nodes").waitFor();
  });

  it("shows an ordinary user nothing of the control plane", async () => {
    const other = await browser.page((await browser.serve(cluster, "jo")).link());
    await other.getByText("not for you to see").first().waitFor();
    await other.getByText("Nothing of what you may see is wrong").waitFor();
    for (const name of ["Control plane", "Store", "Nodes"])
      await other.getByRole("heading", { name, exact: true }).waitFor({ state: "detached" });
    await other.close();
  });

  it("shows members of the store to who may read of them, and not to others", async () => {
    const beside = await startStoreBeside();
    const client = beside.client("socket");
    const here = {
      // It tells others an address that nobody listens at.
      members: async () => (await client.members()).map((one) => ({ ...one, clientUrls: [beside.url] })),
      status: client.status.bind(client),
    };
    const server = await startTestApiserver({
      storage: new EtcdStorage(client, systemClock),
      members: memberAsker(here, undefined),
    });
    const kubeconfig = async (user?: string) => {
      const file = user === undefined ? server.kubeconfig : await server.kubeconfigFor(user);
      return { text: readFileSync(file, "utf8") } as Awaited<ReturnType<Cluster["kubeconfig"]>>;
    };
    try {
      const admins = await browser.page((await browser.serve({ kubeconfig })).link());
      const row = admins.getByRole("row").filter({ hasText: "Active, leads" }).filter({ hasText: "nothing" });
      await row.filter({ hasText: /\d ms/ }).waitFor();
      await admins.close();
      const others = await browser.page((await browser.serve({ kubeconfig }, "jo")).link());
      await others.getByText("Nothing of what you may see is wrong").waitFor();
      await others.getByRole("heading", { name: "Store", exact: true }).waitFor({ state: "detached" });
      await others.close();
    } finally {
      await server.stop();
      await beside.stop();
    }
  });
});
