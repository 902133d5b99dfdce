import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";

const image = "pintle.local/host";
/** On each node one, which writes JSON, words, and what would order a terminal about. */
const talker = (namespace: string, name: string, node: string, script: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, labels: { app: name.split("-")[0] } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image, command: ["sh", "-c", `${script}\nexec sleep 600`] }],
  },
});
const web = (status: number) => `
echo '{"level":"info","msg":"served","status":200,"user":{"id":7}}'
echo '{"level":"error","msg":"upstream timeout","status":${status},"user":{"id":8}}'
printf 'plain words \\033[2Jwith <b>marks</b>\\n' >&2`;
const objects = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "vault" } },
  talker("shop", "web-1", "node-1", web(502)),
  talker("shop", "web-2", "node-2", web(504)),
  talker("vault", "key-1", "node-1", "echo level=error the secret is 42"),
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reader", namespace: "shop" } },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: "reader", namespace: "shop" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "shop" }],
  },
];

describe("searching the logs of a cluster", function () {
  this.timeout(120_000);
  let cluster: LocalCluster;
  let reader: string;

  before(async () => {
    cluster = await startCluster({ replicas: 1, nodes: 2, flags: ["--audit-log"] });
    await cluster.kubectlWith(
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
      ...["apply", "-f", "-"],
    );
    for (const [namespace, name] of [
      ["shop", "web-1"],
      ["shop", "web-2"],
      ["vault", "key-1"],
    ] as const)
      await cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", `pod/${name}`, "--timeout=60s");
    await eventually(
      "all lines are found",
      async () => (await search("level=error")).length,
      (count) => count === 3,
    );
    reader = (await cluster.kubectl("create", "token", "reader", "-n", "shop")).trim();
  });
  after(() => cluster?.stop());

  const search = async (...args: string[]) =>
    (await cluster.pintle("logs", "--all", ...args)).split("\n").filter((line) => line !== "");
  const json = async (...args: string[]) =>
    (await search(...args, "-o", "json")).map(
      (line) => JSON.parse(line) as Readonly<Record<string, unknown>>,
    );
  const pods = async (...args: string[]) => (await json(...args)).map(({ pod }) => pod).sort();

  describe("by the command", () => {
    it("finds lines on all nodes by field, number, text, regular expression, label and stream", async () => {
      assert.deepEqual(await pods("level=error"), ["key-1", "web-1", "web-2"]);
      assert.deepEqual(await pods("-n", "shop", "status>502"), ["web-2"]);
      assert.deepEqual(await pods("-l", "app=web", '"upstream timeout"'), ["web-1", "web-2"]);
      assert.deepEqual(await pods(".user.id=7", "--node", "node-2"), ["web-2"]);
      assert.deepEqual(await pods("/UPSTREAM time(d )?out/i", "--pod", "web-1"), ["web-1"]);
      assert.deepEqual(await pods("words", "--stream", "stderr"), ["web-1", "web-2"]);
      assert.deepEqual(await pods("words", "--stream", "stdout"), []);
      assert.deepEqual(await pods("not level=info", "-l", "app=key"), ["key-1"]);
    });

    it("writes control characters out, and counts over time", async () => {
      const [line = ""] = await search("plain", "--pod", "web-1");
      assert.match(line, /\\u001b\[2J|\\x1b\[2J|\^\[\[2J/);
      assert.ok(!line.includes("\u001b"));
      const [counted] = await json("--counts", "--by", "pod", "level=error", "--step", "1h");
      const series = counted?.series as readonly {
        readonly name: string;
        readonly counts: readonly number[];
      }[];
      const totals = series.map(({ name, counts }) => [name, counts.reduce((sum, one) => sum + one, 0)]);
      assert.deepEqual(totals.sort(), [
        ["key-1", 1],
        ["web-1", 1],
        ["web-2", 1],
      ]);
    });

    it("finds who did what in the audit log", async () => {
      const [line] = await json(
        "--source",
        "audit",
        "verb=create objectRef.resource=pods objectRef.name=web-2",
      );
      assert.equal(line?.component, "apiserver-1");
      assert.equal((JSON.parse(String(line?.text)) as { readonly level: string }).level, "Metadata");
    });

    it("finds components' lines and Events", async () => {
      const lines = await json("--source", "components", "--since", "1h", "--limit", "5000");
      const components = new Set(lines.map(({ component }) => component));
      for (const name of ["server-1", "node-1", "node-2"])
        assert.ok(components.has(name), [...components].join());
      const events = await search("--source", "events", "reason=Started involvedObject.name=web-1");
      assert.equal(events.length, 1);
    });

    it("shows somebody with rights in one namespace what is there, and nothing else", async () => {
      const path = (namespace?: string) =>
        `/apis/logs.pintle.dev/v1${namespace ? `/namespaces/${namespace}` : ""}/entries?query=level%3Derror`;
      const as = (...args: string[]) => cluster.kubectl(`--token=${reader}`, "get", "--raw", ...args);
      // The administrator's certificate would win over a token.
      const server = (
        await cluster.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}")
      ).trim();
      const anonymous = ["--server", server, "--insecure-skip-tls-verify", "--kubeconfig=/dev/null"];
      const own = await as(path("shop"), ...anonymous);
      for (const pod of ["web-1", "web-2"]) assert.ok(own.includes(`"pod":"${pod}"`), own);
      assert.ok(!own.includes("the secret"));
      for (const other of [path("vault"), path(), `${path()}&source=components`, `${path()}&source=audit`])
        await assert.rejects(as(other, ...anonymous), /Forbidden|forbidden/);
    });

    it("keeps what a pod wrote that is gone", async () => {
      await cluster.kubectl("delete", "pod", "-n", "vault", "key-1", "--wait=true");
      assert.deepEqual(await pods("the secret"), ["key-1"]);
    });
  });

  describe("in the dashboard", () => {
    let browser: BrowserDashboard;
    let page: Page;

    before(async function () {
      if (!hasChromium) return this.skip();
      browser = await BrowserDashboard.open();
      const text = readFileSync(cluster.kubeconfig, "utf8");
      const dashboard = await browser.serve({
        kubeconfig: async () => ({ text, path: cluster.kubeconfig }) as never,
      });
      page = await browser.page(dashboard.link());
    });
    afterEach(() => {
      assert.deepEqual(browser?.complaints.splice(0) ?? [], []);
    });
    after(() => browser?.close());

    const lines = (text: string | RegExp) => page.locator(".found-box .log-line").filter({ hasText: text });
    const foot = (text: string) => page.locator(".logs-foot").getByText(text).waitFor();

    it("shows what is asked for, how many lines there are over time, and the command that finds the same", async () => {
      await show(page, "/logs?labels=app%3Dweb");
      await foot("6 lines");
      await page.getByText("6 lines, at most").waitFor();
      await page.getByLabel("Query").fill("level=error");
      await page.getByRole("button", { name: "Search" }).click();
      await foot("2 lines");
      assert.equal(new URL(page.url()).searchParams.get("q"), "level=error");
      assert.equal(await lines("upstream timeout").count(), 2);
      await page.getByLabel("Query").fill("/UP\\w+/i level=error");
      await page.getByLabel("Query").press("Enter");
      await page.locator(".found-box mark").getByText("upstream").first().waitFor();
      await page.getByText("pintle logs --all '/UP\\w+/i level=error' -l app=web --since 1h").waitFor();
      await assertAccessible(page);
    });

    it("says where a query is wrong", async () => {
      await page.getByLabel("Query").fill("status>=bad");
      await page.getByText('Column 9: ">=" compares with a number').waitFor();
      assert.ok(await page.getByRole("button", { name: "Search" }).isDisabled());
      await page.getByLabel("Query").fill("(");
      await page.getByText(/Column 2: something to search for is missing/).waitFor();
    });

    it("opens a line, whose fields and labels narrow the search", async () => {
      await show(page, "/logs?ns=shop&labels=app%3Dweb");
      await foot("6 lines");
      await page.getByRole("log").press("Enter");
      await page.getByRole("region", { name: "Line" }).waitFor();
      await lines("status=504").click();
      await assertAccessible(page);
      await page.getByRole("button", { name: "Only lines with status 504" }).click();
      await foot("1 line");
      assert.equal(new URL(page.url()).searchParams.get("q"), "status=504");
      await page.getByText("The same as a table").click();
      await page.getByRole("button", { name: "Only this" }).first().click();
      await page.getByLabel("From").waitFor();
      await foot("1 line");
      assert.notEqual(new URL(page.url()).searchParams.get("from"), null);
    });

    it("draws no markup of a line, and follows what comes", async () => {
      await show(page, "/logs?ns=shop&follow=1&q=fresh");
      await foot("0 lines; more are shown as they come");
      await cluster.kubectlWith(
        JSON.stringify(talker("shop", "late-1", "node-2", "echo fresh '<b>bread</b>'")),
        ...["apply", "-f", "-"],
      );
      await lines("fresh <b>bread</b>").waitFor();
      assert.equal(await page.locator(".found-box b").count(), 0);
    });

    it("tells somebody with rights in one namespace what is not for them", async () => {
      const { clusters } = JSON.parse(await cluster.kubectl("config", "view", "--raw", "-o", "json")) as {
        readonly clusters: readonly { readonly name: string }[];
      };
      const text = JSON.stringify({
        ...{ apiVersion: "v1", kind: "Config", clusters, "current-context": "reader" },
        users: [{ name: "reader", user: { token: reader } }],
        contexts: [{ name: "reader", context: { cluster: clusters[0]?.name, user: "reader" } }],
      });
      const dashboard = await browser.serve({ kubeconfig: async () => ({ text, path: "" }) as never });
      const own = await browser.page(dashboard.link());
      await show(own, "/logs");
      await own.getByText("You may not read the logs of all namespaces").waitFor();
      await own.locator("option", { hasText: "Audit log (not allowed)" }).waitFor({ state: "attached" });
      await show(own, "/logs?ns=shop&q=level%3Derror");
      await own.locator(".logs-foot").getByText("2 lines").waitFor();
      assert.equal(await own.getByText("You may not read").count(), 0);
      await assertAccessible(own);
      await own.close();
    });
  });
});
