import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { kinds } from "../../client/kube/kinds.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { assertAccessible, BrowserDashboard, hasChromium, show } from "./browser-dashboard.ts";

const namespace = "default";
const deployment = (name: string, image = "example.com/web:1") => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, namespace },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image }] } },
  },
});
/** Sees everything of namespaces and all nodes, and may change nothing. */
const viewer = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "view-nodes" },
    rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] }],
  },
  ...["view", "view-nodes"].map((name) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `vera-${name}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [{ kind: "User", name: "vera", apiGroup: "rbac.authorization.k8s.io" }],
  })),
];

describe("the dashboard's ways of changing objects", function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let browser: BrowserDashboard;
  let link: () => string;

  before(async function () {
    if (!hasChromium) return this.skip();
    [cluster, browser] = await Promise.all([startCluster({ nodes: 2 }), BrowserDashboard.open()]);
    await cluster.apply([deployment("web"), deployment("shop"), ...viewer]);
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

  const edit = async (page: Page, name: string) => {
    await show(page, `/k/apps/deployments/default/${name}?tab=yaml`);
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByRole("textbox", { name: `YAML of Deployment ${name}` }).waitFor();
  };
  /** Writes at the end of the line that has a text, with so many letters of it taken away before. */
  const write = async (page: Page, line: string, text: string, taken = 0) => {
    await page.locator(".cm-line").filter({ hasText: line }).first().click();
    await page.keyboard.press("End");
    for (let count = 0; count < taken; count++) await page.keyboard.press("Backspace");
    await page.keyboard.type(text);
    await page.keyboard.press("Escape");
  };
  const press = (page: Page, name: string) => page.getByRole("button", { name, exact: true }).click();
  const stored = (name: string) => cluster.client.get(kinds.Deployment, { namespace, name });

  it("edits by the server's schema, and shows before saving what the server would make of it", async () => {
    const page = await browser.page(link());
    await edit(page, "web");
    await page.getByText("Nothing is wrong as far as the schema tells").waitFor();
    await write(page, "replicas: 1", "2", 1);
    await page.locator(".cm-line").filter({ hasText: "replicas: 2" }).click();
    await page.keyboard.press("End");
    await page.keyboard.type("\nminRea");
    await page.getByText("Minimum number of seconds for which").waitFor();
    await page.getByRole("option", { name: "minReadySeconds" }).click();
    await page.keyboard.type("3");
    await assertAccessible(page);
    await press(page, "Review");
    const diff = page.getByRole("region", { name: "What would change" });
    assert.deepEqual(
      (await diff.locator(".diff-new, .diff-gone").allInnerTexts()).map((text) =>
        text.replace(/\s+/g, " ").trim(),
      ),
      ["- removed: replicas: 1", "+ added: replicas: 2", "+ added: minReadySeconds: 3"],
    );
    await assertAccessible(page);
    assert.equal((await stored("web")).spec.replicas, 1);
    const before = await stored("web");
    await press(page, "Save");
    await page.getByRole("button", { name: "Edit" }).waitFor();
    const { spec, metadata } = await stored("web");
    assert.deepEqual([spec.replicas, spec.minReadySeconds], [2, 3]);
    const managers = (one: typeof before) => one.metadata.managedFields?.map(({ manager }) => manager) ?? [];
    assert.ok(managers(before).every((one) => managers({ metadata } as typeof before).includes(one)));
    await page.close();
  });

  it("marks what the schema and the server say at their fields, and keeps a text while one looks elsewhere", async () => {
    const page = await browser.page(link());
    await edit(page, "shop");
    const faults = page.getByRole("list", { name: "What is wrong" });
    await write(page, "replicas: 1", "\nreplicaz: 1\nmode: a: b");
    await faults.getByText("(yaml)").first().waitFor();
    assert.ok(await page.getByRole("button", { name: "Review" }).isDisabled());
    await write(page, "mode: a: b", "", 11);
    await faults
      .getByText("spec.replicaz: there is no such field; did you mean replicas? (unknown-field)")
      .waitFor();
    await press(page, "Review");
    await faults.getByText('unknown field "spec.replicaz" (server)').waitFor();
    await write(page, "replicaz: 1", "", 12);
    await write(page, "replicas: 1", "-1", 1);
    await press(page, "Review");
    await faults
      .getByText(/line \d+ spec.replicas: .*must be greater than or equal to 0 \(server\)/)
      .waitFor();
    await show(page, "/");
    await page.getByText("1 unfinished").click();
    await page.getByRole("link", { name: "Deployment shop" }).click();
    await page.locator(".cm-line").filter({ hasText: "replicas: -1" }).waitFor();
    const asked = page.waitForEvent("dialog");
    await page.evaluate("setTimeout(() => location.reload())");
    const dialog = await asked;
    assert.equal(dialog.type(), "beforeunload");
    await dialog.dismiss();
    await press(page, "Throw away");
    await page.getByText("1 unfinished").waitFor({ state: "detached" });
    await page.close();
  });

  it("merges what others changed meanwhile, and asks where both changed the same", async () => {
    const page = await browser.page(link());
    await edit(page, "shop");
    await write(page, "image: example.com/web:1", "2", 1);
    await write(page, "replicas: 1", "\nminReadySeconds: 7");
    const theirs = deployment("shop", "example.com/web:9");
    await cluster.client.apply(
      { ...theirs, metadata: { ...theirs.metadata, labels: { by: "others" } } },
      { force: true },
    );
    const both = page.getByRole("group", { name: "spec.template.spec.containers[name=c].image" });
    await both.getByText("example.com/web:9").waitFor();
    await page.getByText("changed meanwhile by test").waitFor();
    assert.ok(await page.getByRole("button", { name: "Review" }).isDisabled());
    await assertAccessible(page);
    await both.getByLabel("Mine").check();
    await press(page, "Take the changes in");
    await press(page, "Review");
    await press(page, "Save");
    await page.getByRole("button", { name: "Edit" }).waitFor();
    const { metadata, spec } = await stored("shop");
    assert.deepEqual(
      [metadata.labels?.by, spec.minReadySeconds, spec.template.spec?.containers[0]?.image],
      ["others", 7, "example.com/web:2"],
    );
    await page.close();
  });

  it("says that an object went under the editor, and makes it again", async () => {
    const page = await browser.page(link());
    await cluster.apply(deployment("brief"));
    await edit(page, "brief");
    await write(page, "replicas: 1", "0", 1);
    await cluster.client.delete(kinds.Deployment, { namespace, name: "brief" });
    await page.getByText("was deleted while you were writing").waitFor();
    await press(page, "Make it again from this text");
    await page.getByRole("heading", { name: "New Deployment" }).waitFor();
    await press(page, "Review");
    await press(page, "Create");
    await page.getByRole("heading", { name: "brief", exact: true }).waitFor();
    assert.equal((await stored("brief")).spec.replicas, 0);
    await page.close();
  });

  it("makes an object of any kind from YAML", async () => {
    const page = await browser.page(link());
    await page.keyboard.press("Control+k");
    await page.keyboard.type("new configmap");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "New ConfigMap" }).waitFor();
    await page.locator(".cm-line").filter({ hasText: "name:" }).first().waitFor();
    await write(page, 'name: ""', "made", 2);
    await write(page, "namespace:", "\nlabels: {a: b");
    await press(page, "Review");
    await press(page, "Create");
    await page.getByText("a=b", { exact: true }).waitFor();
    assert.deepEqual(
      (await cluster.client.get(kinds.ConfigMap, { namespace, name: "made" })).metadata.labels,
      {
        a: "b",
      },
    );
    await page.close();
  });

  it("reviews a long text once it is read, which waits until its writer rests", async () => {
    const page = await browser.page(link());
    const data = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`key-${at}`, "some value"]));
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "long", namespace }, data });
    await show(page, "/k/core/configmaps/default/long?tab=yaml&edit=1");
    await write(page, "name: long", "\nannotations: {c: d");
    await page.keyboard.press("Control+s");
    const diff = page.getByRole("region", { name: "What would change" });
    await diff.locator(".diff-new").filter({ hasText: "c: d" }).waitFor();
    assert.equal(await diff.locator(".diff-new, .diff-gone").count(), 2);
    await page.close();
  });

  it("shows revisions and what differs, rolls back, and pauses", async () => {
    const page = await browser.page(link());
    await cluster.apply(deployment("rolled"));
    await cluster.untilReady(deployment("rolled"));
    await cluster.apply(deployment("rolled", "example.com/web:2"));
    await show(page, "/k/apps/deployments/default/rolled?tab=revisions");
    const current = (text: string) =>
      page.getByRole("row").filter({ hasText: "● now" }).filter({ hasText: text }).waitFor();
    await current("example.com/web:2");
    const lines = page.getByRole("region", { name: "What differs" }).locator(".diff-new, .diff-gone");
    assert.deepEqual(
      (await lines.allInnerTexts()).map((text) => /\S+$/.exec(text.trim())?.[0]),
      ["example.com/web:1", "example.com/web:2"],
    );
    await assertAccessible(page);
    await press(page, "Roll back to 1");
    await page.getByRole("dialog").getByRole("region", { name: "What would change" }).waitFor();
    await press(page, "Roll back");
    await current("example.com/web:1");
    await page.getByRole("cell", { name: "3 ● now" }).waitFor();
    assert.equal((await stored("rolled")).spec.template.spec?.containers[0]?.image, "example.com/web:1");
    await press(page, "Pause rollout");
    await page.locator('button[title^="cannot rollback a paused deployment"]:disabled').waitFor();
    await press(page, "Resume rollout");
    await page.getByRole("button", { name: "Pause rollout" }).waitFor();
    await page.close();
  });

  it("greys out the drain of a node for a viewer, with the reason", async () => {
    const page = await browser.page((await browser.serve(cluster, "vera")).link());
    await show(page, "/k/core/nodes/_/node-2?tab=drain");
    await page.getByText("You may not evict pods here.").waitFor();
    const drain = page.getByRole("button", { name: "Cordon and drain" });
    assert.ok(await drain.isDisabled());
    assert.equal(await drain.getAttribute("title"), "You may not evict pods here");
    assert.ok(await page.getByRole("button", { name: "Cordon", exact: true }).isDisabled());
    await page.getByRole("heading", { name: "node-2" }).waitFor();
    await assertAccessible(page);
    await page.close();
  });

  it("drains a node as budgets let it, and names what stays", async () => {
    const page = await browser.page(link());
    const onNode = { nodeSelector: { "kubernetes.io/hostname": "node-1" } };
    const template = (name: string) => ({
      metadata: { labels: { app: name } },
      spec: { ...onNode, containers: [{ name: "c", image: "example.com/web:1" }] },
    });
    const held = deployment("held");
    const lone = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "lone", namespace },
      spec: template("lone").spec,
    };
    const daemons = {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "daemons", namespace },
      spec: { selector: { matchLabels: { app: "daemons" } }, template: template("daemons") },
    };
    const budget = {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "held", namespace },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "held" } } },
    };
    await cluster.apply([
      budget,
      { ...held, spec: { ...held.spec, template: template("held") } },
      lone,
      daemons,
    ]);
    await cluster.untilReady(held);
    await cluster.untilReady(lone);
    await show(page, "/k/core/nodes/_/node-1?tab=drain");
    const row = (name: string, text: string) =>
      page.getByRole("row").filter({ hasText: name }).filter({ hasText: text }).first().waitFor();
    await row("daemons-", "stays");
    await row("lone", "nobody makes it anew elsewhere");
    assert.ok(await page.getByRole("button", { name: "Cordon and drain" }).isDisabled());
    await page.getByLabel("Evict pods that nobody makes anew").check();
    await assertAccessible(page);
    await press(page, "Cordon and drain");
    await row("lone", "gone");
    await row("held-", "The disruption budget held needs 1 healthy pods and has 1 currently");
    await press(page, "Stop");
    await page
      .getByRole("status")
      .filter({ hasText: /Stopped; the node stays cordoned: .*1 blocked/ })
      .waitFor();
    await page.getByText("unfinished").waitFor({ state: "detached" });
    await press(page, "Cordon and drain");
    await row("held-", "blocked");
    await show(page, "/");
    await page.getByText("1 unfinished").waitFor();
    await cluster.client.delete(kinds.PodDisruptionBudget, { namespace, name: "held" });
    await show(page, "/k/core/nodes/_/node-1?tab=drain");
    await row("held-", "gone");
    await page.getByRole("status").filter({ hasText: "Drained" }).waitFor();
    await row("daemons-", "stays");
    assert.equal((await cluster.client.get(kinds.Node, { name: "node-1" })).spec?.unschedulable, true);
    await press(page, "Uncordon");
    await page.getByRole("dialog").getByRole("button", { name: "Uncordon" }).click();
    await page.getByRole("button", { name: "Cordon", exact: true }).waitFor();
    await page.close();
  });

  it("shows what goes with an object before it is deleted", async () => {
    const page = await browser.page(link());
    await cluster.apply(deployment("gone"));
    await cluster.untilReady(deployment("gone"));
    await show(page, "/k/apps/deployments/default/gone");
    await press(page, "Delete");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("With it go 1 × Pod, 1 × ReplicaSet.").waitFor();
    await dialog.getByRole("listitem").getByText("Pod gone-").waitFor();
    await assertAccessible(page);
    await dialog.getByLabel("Delete it alone").check();
    await dialog.getByText("▲ stays, without an owner").waitFor();
    await dialog.getByLabel("Delete what it owns first").check();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByText("There is no such object").waitFor();
    const marked = { name: "marked", namespace: "full", finalizers: ["example.com/hold"] };
    await cluster.apply([
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "full" } },
      { apiVersion: "v1", kind: "Secret", metadata: marked },
    ]);
    await show(page, "/k/core/namespaces/_/full");
    await press(page, "Delete");
    await dialog.getByText(/With it go.*1 × Secret/).waitFor();
    await dialog.getByText("example.com/hold").waitFor();
    assert.ok(await dialog.getByRole("button", { name: "Delete" }).isDisabled());
    await dialog.getByLabel("write the namespace's name").fill("full");
    assert.ok(await dialog.getByRole("button", { name: "Delete" }).isEnabled());
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await page.close();
  });

  it("greys out what a viewer may not change", async () => {
    const page = await browser.page((await browser.serve(cluster, "vera")).link());
    await show(page, "/k/apps/deployments?ns=default");
    await page.locator('button[title="You may not create deployments here"]:disabled').waitFor();
    await show(page, "/k/apps/deployments/default/web?tab=yaml");
    await page.locator('button[title="You may not update deployments here"]:disabled').waitFor();
    await page.locator('button[title="You may not delete deployments here"]:disabled').waitFor();
    await show(page, "/k/apps/deployments/default/web?tab=revisions");
    await page.locator('button[title="You may not patch deployments here"]:disabled').first().waitFor();
    await page.close();
  });
});
