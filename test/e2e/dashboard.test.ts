import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Page } from "playwright-core";
import { kinds } from "../../client/kube/kinds.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";

const firstViewBytesMost = 300_000;
const manyPods = 10_000;

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "c", image: "example.com/web:1" }] },
    },
  },
};
const hostile = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name: "hostile",
    namespace: "default",
    annotations: { note: "<img src=x onerror=document.title='owned'>" },
  },
  data: { text: "</pre><script>document.title='owned'</script>" },
};
const readerOfPods = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "reader", namespace: "default" },
    rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "reader", namespace: "default" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
    subjects: [{ kind: "User", name: "jo", apiGroup: "rbac.authorization.k8s.io" }],
  },
];

describe("the dashboard in a browser", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: BrowserDashboard;

  before(async function () {
    if (!hasChromium) return this.skip();
    [cluster, browser] = await Promise.all([startCluster({ nodes: 2 }), BrowserDashboard.open()]);
    await cluster.apply([deployment, hostile, ...readerOfPods]);
    await cluster.untilReady(deployment);
  });
  afterEach(() => {
    assert.deepEqual(browser?.complaints.splice(0) ?? [], []);
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const dashboardOf = (user?: string, allowedHosts: readonly string[] = []) =>
    browser.serve(cluster, user, { options: { allowedHosts } });
  const rowOf = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });
  /** The rows of a table as it says of itself, its head left out. */
  const untilRows = (page: Page, count: number) =>
    page
      .locator(`[role=table][aria-rowcount="${count + 1}"]`)
      .first()
      .waitFor();

  it("signs in by a link, once, and leaves no code in the address", async () => {
    const dashboard = await dashboardOf();
    const link = dashboard.link();
    const page = await browser.page(link);
    assert.equal(page.url(), `${dashboard.url}/`);
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    const other = await browser.blank();
    await other.goto(link);
    await other.getByText("this link was used").waitFor();
    await other.close();
    await page.getByLabel("Signed in as").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("pintle dashboard").waitFor();
    await page.close();
  });

  it("loads less than 300 kB before the first view, and nothing from elsewhere", async () => {
    const dashboard = await dashboardOf();
    const page = await browser.blank();
    let bytes = 0;
    const elsewhere: string[] = [];
    page.on("response", async (answer) => {
      if (!answer.url().startsWith(dashboard.url) && !answer.url().startsWith("data:"))
        elsewhere.push(answer.url());
      bytes += Number(answer.headers()["content-length"] ?? 0);
    });
    await page.goto(dashboard.link());
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    assert.deepEqual(elsewhere, []);
    assert.ok(bytes > 10_000 && bytes < firstViewBytesMost, `${bytes} bytes`);
    await page.close();
  });

  it("shows a table live, and what one does to an object", async () => {
    const page = await browser.page((await dashboardOf()).link());
    await page.getByRole("link", { name: "Pods", exact: true }).click();
    await untilRows(page, 2);
    const beyond = await page
      .getByRole("region", { name: "Pods" })
      .evaluate((box) => box.scrollWidth - box.clientWidth);
    assert.equal(beyond, 0, "a table that has room for its columns shows all of them");
    await page.getByLabel("Namespace", { exact: true }).selectOption("kube-system");
    await page.getByText("No pods in kube-system").waitFor();
    await page.getByLabel("Namespace", { exact: true }).selectOption("default");
    await untilRows(page, 2);
    await page.evaluate(`for (const one of document.querySelectorAll(".side details")) one.open = true`);
    await page.getByRole("link", { name: "Secrets", exact: true }).waitFor();
    await show(page, "/k/apps/deployments/default/web");
    await page.getByRole("button", { name: "Scale" }).click();
    await page.getByLabel("Replicas").fill("3");
    await page.getByRole("dialog").getByRole("button", { name: "Scale" }).click();
    await page.getByRole("table", { name: "Pods" }).and(page.locator('[aria-rowcount="4"]')).waitFor();
    const { items } = await cluster.client.list(kinds.Pod, { namespace: "default" });
    const pod = items[0];
    await show(page, `/k/core/pods/default/${pod?.metadata.name}`);
    await page.getByRole("heading", { name: "Containers" }).waitFor();
    await page.getByText("Scheduled", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("There is no such object").waitFor();
    await page.close();
  });

  it("shows what others wrote as text", async () => {
    const page = await browser.page((await dashboardOf()).link());
    await show(page, "/k/core/configmaps/default/hostile?tab=yaml");
    await page.getByText("</pre><script>").waitFor();
    await show(page, "/k/core/configmaps/default/hostile");
    await page.getByText("note=<img").waitFor();
    assert.equal(await page.title(), "hostile · Pintle");
    await page.close();
  });

  it("styles nothing in its pages' text, and is told of a style or a script that came into one", async () => {
    const page = await browser.page((await dashboardOf()).link());
    assert.deepEqual(browser.complaints, []);
    await page.evaluate(`new Promise((resolve) => {
      let left = 2;
      addEventListener("securitypolicyviolation", () => --left === 0 && resolve());
      document.body.insertAdjacentHTML("beforeend", "<p style='color: red' onclick='0'>x</p>");
    })`);
    const told = browser.complaints.splice(0).join("\n");
    assert.match(told, /^style-src-attr forbids inline/m);
    assert.match(told, /^script-src-attr forbids inline/m);
    await page.close();
  });

  it("hides what a person may not see, greys out what they may not do, and says refusals in the server's words", async () => {
    const page = await browser.page((await dashboardOf("jo")).link());
    await page.getByText("not for you to see").first().waitFor();
    await page.evaluate(`for (const one of document.querySelectorAll(".side details")) one.open = true`);
    await page.getByRole("link", { name: "Secrets", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Pods", exact: true }).waitFor();
    await show(page, "/k/core/pods?ns=default");
    await rowOf(page, "web-").first().waitFor();
    await page.getByRole("row").nth(1).getByRole("link").click();
    const button = page.getByRole("button", { name: "Delete" });
    await button.waitFor();
    await page.waitForFunction(`document.querySelector("button.danger").disabled`);
    await show(page, "/k/core/secrets?ns=default");
    await page.getByText('User "jo" cannot list resource "secrets"').waitFor();
    await page.close();
  });

  it("says that the connection was lost, and goes on by itself when it is back", async () => {
    const sockets = new Set<Socket>();
    let isCut = false;
    let port = 0;
    const between = createServer((near) => {
      if (isCut) return near.destroy();
      const far = connect(port, "127.0.0.1");
      for (const one of [near, far]) {
        sockets.add(one);
        one.on("error", () => one.destroy());
        one.once("close", () => sockets.delete(one));
      }
      near.pipe(far).pipe(near);
      near.once("close", () => far.destroy());
      far.once("close", () => near.destroy());
      return undefined;
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", () => resolve()));
    const host = `127.0.0.1:${(between.address() as AddressInfo).port}`;
    const dashboard = await dashboardOf(undefined, [host]);
    port = Number(new URL(dashboard.url).port);
    try {
      const page = await browser.page(dashboard.link().replace(new URL(dashboard.url).host, host));
      await show(page, "/k/core/configmaps?ns=default");
      await rowOf(page, "hostile").waitFor();
      isCut = true;
      for (const socket of sockets) socket.destroy();
      await page.getByText("The connection was lost").waitFor();
      await cluster.apply({ ...hostile, metadata: { name: "while-away", namespace: "default" } });
      isCut = false;
      await rowOf(page, "while-away").waitFor();
      await page.getByText("The connection was lost").waitFor({ state: "detached" });
      await page.close();
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => between.close(resolve));
    }
  });

  for (const colorScheme of ["light", "dark"] as const)
    it(`has nothing that axe complains about, ${colorScheme}`, async () => {
      const page = await browser.page((await dashboardOf()).link(), { colorScheme });
      const settled = {
        "/": "Not well",
        "/k/core/pods": "Pods",
        "/k/apps/deployments/default/web": "Conditions",
        "/k/core/configmaps/default/hostile?tab=yaml": "hostile",
      };
      for (const [address, heading] of Object.entries(settled)) {
        await show(page, address);
        await page.getByRole("heading", { name: heading, exact: true }).waitFor();
        await assertAccessible(page);
      }
      await page.close();
    });

  it("shows ten thousand pods by one watch and a few rows", async () => {
    const make = (at: number) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `many-${at}`, namespace: "many", labels: { part: at % 2 ? "odd" : "even" } },
      // Nobody places them: what is looked at is the table.
      spec: { schedulerName: "nobody", containers: [{ name: "c", image: "example.com/c" }] },
    });
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "many" } });
    for (let at = 0; at < manyPods; at += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, more) => cluster.client.create(kinds.Pod, make(at + more))),
      );
    const watches: string[] = [];
    const page = await browser.page((await dashboardOf()).link());
    page.on("websocket", (socket) =>
      socket.on("framesent", ({ payload }) => {
        if (/"path":"[^"]*many\/pods\?watch/.test(String(payload))) watches.push(String(payload));
      }),
    );
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await show(page, "/k/core/pods?ns=many");
    await untilRows(page, manyPods);
    const drawn = () => page.getByRole("row").count();
    assert.ok((await drawn()) < 120, `${await drawn()} rows are in the document`);
    await page.getByRole("region", { name: "Pods" }).evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await rowOf(page, `many-${manyPods - 1}`).waitFor();
    assert.ok((await drawn()) < 120);
    assert.equal(watches.length, 1);
    await page.getByLabel("Filter").fill("many-77 odd");
    await page.locator("[aria-rowcount='57']").waitFor();
    await page.close();
  });
});
