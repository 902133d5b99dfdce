import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { kinds } from "../../client/kube/kinds.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import type { Dashboard } from "../../controlplane/dashboard/server/serve-dashboard.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";
import { measuredBefore, serveUsage } from "./dashboard-usage.ts";

const workload = (namespace: string) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [
          {
            name: "c",
            image: "example.com/web:1",
            resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "500m", memory: "8Gi" } },
          },
        ],
      },
    },
  },
});
const apps = { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "watch"] };
const measurements = { apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["get", "list"] };
/** Sees deployments in two namespaces, and what they use in one. */
const rights = [
  { namespace: "default", rules: [apps, measurements] },
  { namespace: "other", rules: [apps] },
].flatMap(({ namespace, rules }) => [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "viewer", namespace },
    rules,
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "viewer", namespace },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "viewer" },
    subjects: [{ kind: "User", name: "vera", apiGroup: "rbac.authorization.k8s.io" }],
  },
]);

describe("the dashboard's charts", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: BrowserDashboard;
  let dashboard: Dashboard;

  before(async function () {
    if (!hasChromium) return this.skip();
    [cluster, browser] = await Promise.all([startCluster({ nodes: 2 }), BrowserDashboard.open()]);
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
    await cluster.apply([workload("default"), workload("other"), ...rights]);
    await cluster.untilReady(workload("default"));
    await cluster.untilReady(workload("other"));
    const { items } = await cluster.client.list(kinds.Pod);
    const pods = items.map(({ metadata: { name, namespace = "", labels = {} } }) => ({
      name,
      namespace,
      labels,
    }));
    await serveUsage(cluster, pods);
    const usageMemory = measuredBefore(cluster.nodes, pods, Date.now());
    dashboard = await browser.serve(cluster, undefined, { parts: { usageMemory } });
  });
  afterEach(() => {
    assert.deepEqual(browser?.complaints.splice(0) ?? [], []);
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const cpu = (page: Page) => page.getByRole("slider", { name: "CPU, by time" });
  const readingOf = async (page: Page) => (await cpu(page).getAttribute("aria-valuetext")) ?? "";

  it("show two hours at sign-in, sum and pods, by keyboard, table and zoom as by sight", async () => {
    const page = await browser.page(dashboard.link());
    await page.getByText("CPU used, last hour").waitFor();
    await show(page, "/k/apps/deployments/default/web");
    await page.getByRole("tab", { name: "Charts" }).click();
    await page.getByText("Measured by this dashboard").waitFor();
    await page.getByRole("button", { name: "2 h" }).click();
    assert.equal(new URL(page.url()).search, "?tab=charts&range=2h");
    await page.locator(".plot canvas").first().waitFor();
    await page.waitForFunction(`Number(document.querySelector(".plot").getAttribute("aria-valuemax")) > 400`);
    const { width = 0 } = (await cpu(page).boundingBox()) ?? {};
    assert.ok(width > 300, `a chart ${width} px wide`);
    await cpu(page).focus();
    await page.keyboard.press("End");
    // What was measured just now, after what was remembered.
    assert.match(await readingOf(page), /: all pods \(2\) 500m, web-\S+ 250m, web-\S+ 250m$/);
    await page.keyboard.press("Home");
    const first = await readingOf(page);
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await readingOf(page), first);
    await page.getByText("(above the chart)").waitFor();
    // A gap is one to who reads, too.
    await page.evaluate(`document.querySelector(".values summary").click()`);
    await page.getByRole("columnheader", { name: "all pods (2)" }).waitFor();
    await page.getByRole("cell", { name: "–" }).first().waitFor();
    await page.keyboard.press("End");
    await page.keyboard.press("+");
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByRole("button", { name: "Show all" }).waitFor({ state: "detached" });
    await page.close();
  });

  it("go on as time does", async () => {
    const page = await browser.page(dashboard.link());
    await page.clock.install();
    await page.goto(`${dashboard.url}/k/core/nodes/_/${cluster.nodes[0]}?tab=charts`);
    await page.locator(".plot canvas").first().waitFor();
    const askedAgain = page.waitForRequest(/\/usage\?of=node/);
    await page.clock.fastForward(15_000);
    await askedAgain;
    await page.close();
  });

  it("show an ordinary user what they may see, and nothing of another namespace", async () => {
    const theirs = await browser.serve(cluster, "vera", {
      parts: {
        usageMemory: measuredBefore(
          [],
          [{ namespace: "other", name: "web-1", labels: { app: "web" } }],
          Date.now(),
        ),
      },
    });
    const page = await browser.page(theirs.link());
    await page.getByText("not for you to see").first().waitFor();
    await show(page, "/k/apps/deployments/default/web?tab=charts");
    await page.locator(".plot canvas").first().waitFor();
    await page.getByText("Only namespace default is measured").waitFor();
    await show(page, "/k/apps/deployments/other/web?tab=charts");
    await page.getByText('No charts: you may not list pods.metrics.k8s.io in namespace "other"').waitFor();
    assert.equal(await page.locator(".plot").count(), 0);
    await page.close();
  });

  for (const colorScheme of ["light", "dark"] as const)
    it(`have nothing that axe complains about, and fit a narrow screen, ${colorScheme}`, async () => {
      const page = await browser.page(dashboard.link(), {
        colorScheme,
        viewport: { width: 360, height: 780 },
      });
      await show(page, "/k/apps/deployments/default/web?tab=charts");
      await page.locator(".plot canvas").first().waitFor();
      await assertAccessible(page);
      const beyond = await page.evaluate(`document.querySelector("main").scrollWidth - innerWidth`);
      assert.equal(beyond, 0);
      await page.close();
    });
});
