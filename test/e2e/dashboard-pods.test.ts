import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
/** Two pods of two containers: one writes JSON, the other a word. */
const talkers = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "talk", namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "talk" } },
    template: {
      metadata: { labels: { app: "talk" } },
      spec: {
        containers: [
          {
            name: "json",
            image,
            command: [
              "sh",
              "-c",
              `echo '{"level":"error","msg":"first words","http":{"code":500}}'; echo "$HOSTNAME <b>speaks</b>"; exec sleep 600`,
            ],
          },
          { name: "plain", image, command: ["sh", "-c", "echo plain words; exec sleep 600"] },
        ],
      },
    },
  },
};
/** Serves a page that shows what it was asked with, and tries to reach the dashboard. */
const siteCode = `require("node:http").createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.setHeader("set-cookie", "own=1");
  response.end("<h1>site of " + process.env.HOSTNAME + "</h1><p>cookies: " + (request.headers.cookie ?? "none") +
    "</p><script>document.body.append(document.cookie, ' opener ', String(opener))</script>");
}).listen(18080, process.env.PINTLE_POD_IP || "0.0.0.0")`;
const site = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "site", namespace: "default", labels: { app: "site" } },
  spec: {
    containers: [
      {
        name: "main",
        image,
        command: [process.execPath, "-e", siteCode],
        ports: [{ name: "http", containerPort: 18_080 }],
        readinessProbe: { httpGet: { port: "http" }, periodSeconds: 1 },
      },
    ],
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "site", namespace: "default" },
  spec: { selector: { app: "site" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
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
    await cluster.apply([pod, talkers, site, service, ...viewer]);
    await Promise.all([pod, talkers, site].map((one) => cluster.untilReady(one)));
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

  it("merges the logs of all pods of a workload, searches them, and tells of pods that come and go", async () => {
    const page = await browser.page(link());
    await show(page, "/k/apps/deployments/default/talk?tab=logs");
    const log = page.getByRole("log");
    const lines = (text: string | RegExp) => log.locator(".log-line").filter({ hasText: text });
    await page.getByText("6 lines").waitFor();
    assert.equal(await lines("first words http.code=500").count(), 2);
    assert.equal(await lines("<b>speaks</b>").count(), 2);
    assert.equal(await log.locator("b").count(), 0);
    await page.getByLabel("Search in the log").fill("^(plain|first) w");
    await page.getByLabel("Regular expression").check();
    await page.getByText("2 matches").waitFor();
    await page.getByLabel("Only matches").check();
    await lines("speaks").first().waitFor({ state: "detached" });
    await page.getByLabel("Search in the log").fill("(");
    await page.getByText(/missing/).waitFor();
    await page.getByLabel("Search in the log").fill("words");
    await page.getByText("4 matches").waitFor();
    await page.getByLabel("Search in the log").press("Enter");
    await page.getByText("1 of 4 matches").waitFor();
    await page.getByLabel("Search in the log").press("Shift+Enter");
    await page.getByText("4 of 4 matches").waitFor();
    await lines("first words").first().click();
    const details = page.getByRole("region", { name: "Line" });
    await details.getByText("http.code").waitFor();
    await assertAccessible(page);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download" }).click(),
    ]);
    const text = await readFile(await file.path(), "utf8");
    assert.equal(text.match(/^\S+Z talk-\S+\/plain plain words$/gm)?.length, 2, text);
    await cluster.apply({ ...talkers, spec: { ...talkers.spec, replicas: 1 } });
    await lines(/json is gone/).waitFor();
    await cluster.apply(talkers);
    await lines(/plain has joined/).waitFor();
    await page.getByText("6 matches").waitFor();
    await page.close();
  });

  it("copies files and folders out of a container and into it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dashboard-pods-"));
    try {
      await mkdir(join(folder, "sub"));
      // Longer than what one message or one pause of a stream holds.
      const large = Buffer.alloc(3 * 1024 * 1024, "0123456789");
      await writeFile(join(folder, "large"), large);
      await writeFile(join(folder, "sub/small"), "in a folder");
      const page = await browser.page(link());
      await show(page, `/k/core/pods/default/tool?tab=files&dir=${encodeURIComponent(folder)}`);
      const row = (name: string) => page.getByRole("row").filter({ hasText: name });
      await row("large").getByText("3.1 MB").waitFor();
      await assertAccessible(page);
      const save = async (act: () => Promise<void>) => {
        const [file] = await Promise.all([page.waitForEvent("download"), act()]);
        return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
      };
      const out = await save(() => page.getByRole("button", { name: "Copy out large" }).click());
      assert.equal(out.name, "large");
      assert.ok(out.bytes.equals(large));
      const archive = await save(() => page.getByRole("button", { name: "Copy out sub" }).click());
      assert.equal(archive.name, "sub.tar");
      const names = execFileSync("tar", ["-tf", "-"], { input: archive.bytes, encoding: "utf8" });
      assert.deepEqual(names.trim().split("\n"), ["./sub/", "./sub/small"]);
      await page.getByRole("button", { name: "sub/" }).click();
      await row("small").waitFor();
      const given = { name: "given é.txt", mimeType: "text/plain", buffer: large };
      await page.locator("input[type=file]").setInputFiles(given);
      await status(page, "3.1 MB copied");
      assert.ok((await readFile(join(folder, "sub/given é.txt"))).equals(large));
      await row("given é.txt").waitFor();
      await page.locator("input[type=file]").setInputFiles({ ...given, name: "small" });
      await page.getByRole("button", { name: "Replace it" }).waitFor();
      await rm(join(folder, "sub"), { recursive: true });
      await page.getByRole("button", { name: "Replace it" }).click();
      await page
        .getByRole("alert")
        .getByText(/sub: Cannot open/)
        .waitFor();
      await page.getByRole("button", { name: "Look again" }).click();
      await page
        .getByRole("alert")
        .getByText(/\bcd\b/)
        .waitFor();
      await page.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("opens a service's port at an address of its own, for the browser that asked, as long as its session goes on", async () => {
    const page = await browser.page(link());
    await show(page, "/k/core/services/default/site");
    const openPort = async () => {
      const [tab] = await Promise.all([
        page.context().waitForEvent("page"),
        page.getByRole("button", { name: "Open port 80 in a new tab" }).click(),
      ]);
      await tab.getByRole("heading", { name: "site of site" }).waitFor();
      return tab;
    };
    const tab = await openPort();
    const { origin, hostname } = new URL(tab.url());
    assert.match(hostname, /^f-[0-9a-f]{20}\.localhost$/);
    assert.equal(new URL(tab.url()).search, "");
    await tab.getByText("cookies: none").waitFor();
    await tab.getByText("own=1 opener null").waitFor();
    await tab.reload();
    await tab.getByText("cookies: own=1").waitFor();
    await assertAccessible(page);
    // Who has not come by the link is refused.
    const stranger = await tab.context().browser()?.newPage();
    await stranger?.goto(origin);
    await stranger?.getByText("Come by the button").waitFor();
    await stranger?.close();
    await page.getByLabel("1 open ports").click();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByLabel("1 open ports").waitFor({ state: "detached" });
    await assert.rejects(tab.reload(), /ERR_CONNECTION_REFUSED/);
    const again = await openPort();
    await page.getByLabel("Signed in as").click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("pintle dashboard").waitFor();
    await assert.rejects(again.reload(), /ERR_CONNECTION_REFUSED/);
    for (const one of [tab, again, page]) await one.close();
  });

  it("greys out what a viewer may not do in a pod", async () => {
    const page = await browser.page((await browser.serve(cluster, "vera")).link());
    await show(page, "/k/core/pods/default/tool?tab=terminal");
    await status(page, "You may not create pods/exec here");
    assert.ok(await page.getByRole("button", { name: "Debug container" }).isDisabled());
    assert.equal(await page.locator(".xterm").count(), 0);
    await show(page, "/k/core/pods/default/tool?tab=files");
    await status(page, "You may not create pods/exec here");
    await show(page, "/k/core/pods/default/site");
    const open = page.getByRole("button", { name: "Open port 18080 in a new tab" });
    await open.waitFor();
    assert.ok(await open.isDisabled());
    await show(page, "/k/core/pods/default/tool?tab=logs");
    await page.getByText("0 lines").waitFor();
    await page.close();
  });
});
