import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";

const image = "pintle.local/host";
const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "tool", namespace: "default", labels: { app: "tool" } },
  spec: { containers: [{ name: "main", image, command: ["sleep", "600"] }] },
};
/** Sees pods and their logs, and may do nothing in them. */
const viewer = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "viewer", namespace: "default" },
    rules: [
      { apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get", "list", "watch"] },
      { apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "watch"] },
    ],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "viewer", namespace: "default" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "viewer" },
    subjects: [{ kind: "User", name: "vera", apiGroup: "rbac.authorization.k8s.io" }],
  },
];

describe("the dashboard's ways into pods", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: BrowserDashboard;
  let link: () => string;

  before(async function () {
    if (!hasChromium) return this.skip();
    [cluster, browser] = await Promise.all([
      startCluster({ nodes: [{ runtime: "processes" }] }),
      BrowserDashboard.open(),
    ]);
    await cluster.apply([pod, ...viewer]);
    await cluster.untilReady(pod);
    const dashboard = await browser.serve(cluster);
    link = () => dashboard.link();
  });
  afterEach(() => {
    assert.deepEqual(browser?.complaints.splice(0) ?? [], []);
  });
  after(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  const said = (page: Page, text: string) => page.locator(".xterm-rows").getByText(text).first().waitFor();
  const status = (page: Page, text: string) => page.getByRole("status").getByText(text).waitFor();

  it("runs a shell in a terminal, tells how it ended, and opens it again", async () => {
    const page = await browser.page(link());
    await show(page, "/k/core/pods/default/tool?tab=terminal");
    await page.locator(".xterm-helper-textarea").waitFor();
    await page.keyboard.type(
      "echo $((6*7))-$TERM; printf '\\033[38;2;200;90;0mcolour\\033[0m\\n'; stty size\n",
    );
    await said(page, "42-xterm-256color");
    await page.locator(".xterm-rows span[style]").getByText("colour").first().waitFor();
    await page.setViewportSize({ width: 900, height: 700 });
    await page.keyboard.press("Control+m");
    assert.equal(await page.evaluate("document.activeElement.ariaLabel"), "Container");
    await assertAccessible(page);
    await page.locator(".xterm-screen").click();
    await page.keyboard.type("exit 130\n");
    await status(page, "exit code 130, signal 2, SIGINT");
    await page.getByRole("button", { name: "Open again" }).click();
    await page.getByRole("button", { name: "Open again" }).waitFor({ state: "detached" });
    await page.keyboard.type("echo again-$((1+1))\n");
    await said(page, "again-2");
    await page.close();
  });

  it("says that there is no shell", async () => {
    const page = await browser.page(link());
    // Nothing of this pod's is on the path of its shell.
    await cluster.apply({
      ...pod,
      metadata: { name: "bare", namespace: "default" },
      spec: {
        containers: [
          { name: "main", image, command: ["/bin/sleep", "600"], env: [{ name: "PATH", value: "/" }] },
        ],
      },
    });
    await show(page, "/k/core/pods/default/bare?tab=terminal");
    await status(page, "main has no shell (neither bash nor sh).");
    await page.close();
  });

  it("greys out what a viewer may not do in a pod", async () => {
    const page = await browser.page((await browser.serve(cluster, "vera")).link());
    await show(page, "/k/core/pods/default/tool?tab=terminal");
    await status(page, "You may not create pods/exec here");
    assert.ok(await page.getByRole("button", { name: "Debug container" }).isDisabled());
    assert.equal(await page.locator(".xterm").count(), 0);
    await page.close();
  });
});
