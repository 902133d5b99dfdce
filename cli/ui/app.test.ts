import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { discover } from "../kubectl/discovery.ts";
import { App } from "./app.ts";
import { editObject } from "./edit-object.ts";

describe("cli/ui: a cluster on a terminal", () => {
  let cluster: Cluster;
  let app: App;
  let hasQuit: boolean;
  let copied: string[];
  const size = { width: 120, height: 20 };

  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "web:1" }] } };
    await cluster.apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace: "default" },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
    await cluster.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "key", namespace: "default" },
      data: { word: Buffer.from("open\x1b[31m sesame").toString("base64"), bytes: "/w==" },
    });
    await cluster.until(
      resources.pods,
      (pods) => pods.filter(({ status }) => status?.phase === "Running").length === 2,
    );
  });
  after(() => cluster?.stop());

  const start = async (isReadonly = false) => {
    const { text } = await cluster.kubeconfig();
    const client = new RestClient(loadKubeconfig("of the cluster", { readFile: () => text }));
    hasQuit = false;
    copied = [];
    app = new App({
      place: { client, kinds: await discover(client), context: "test", contexts: ["test"], version: "v1" },
      placeOf: () => Promise.reject(new Error("there is no other")),
      namespace: "default",
      isReadonly,
      outside: (act) => act(),
      copy: (text) => copied.push(text),
      quit: () => {
        hasQuit = true;
      },
    });
    app.start("pods");
  };
  beforeEach(() => start());
  afterEach(() => app?.close());

  const screenText = () => {
    const lines = app.page?.draw(size) ?? [];
    const texts = lines.map((line) =>
      line
        .map(({ text }) => text)
        .join("")
        .trimEnd(),
    );
    return [app.page?.title, ...texts, app.flashed?.text].join("\n");
  };
  /** Resolves once the screen has it; what is shown changes by itself. */
  const until = (wanted: RegExp | ((text: string) => boolean)) =>
    new Promise<string>((resolve) => {
      const isThere = (text: string) => (wanted instanceof RegExp ? wanted.test(text) : wanted(text));
      const look = () => {
        const text = screenText();
        if (!isThere(text)) return;
        stop();
        resolve(text);
      };
      const stop = app.subscribe(look);
      look();
    });
  const press = (...keys: string[]) => {
    for (const key of keys) app.press(key);
  };
  const write = (text: string) =>
    press(...[...text].map((letter) => (letter === " " ? "space" : letter)), "enter");

  it("goes from a deployment to its pods, a pod's containers and back", async () => {
    write(":deploy");
    await until(/^deployments\(default\)\[1\]\n.*\n> {2}web +2\/2/);
    press("enter");
    await until(/^pods\(default, deployment\/web\)\[2\]/);
    press("enter");
    await until(/^containers\[1\]\n.*\n>. c +true +Running +0 +web:1/);
    press("esc", "esc");
    await until(/^deployments/);
    press("esc");
    assert.deepEqual(app.crumbs, ["deployments"]);
  });

  it("describes, shows YAML and says why", async () => {
    await until(/^pods\(default\)\[2\]\n.*\n> {2}web-/);
    press("d");
    await until(/Name: +web-/);
    press("esc", "y");
    await until(/kind: Pod\n/);
    press("esc", "W");
    await until(/^why\(default\/web-.*\n.*nothing is wrong|^why\(default\/web-[\s\S]*runs/i);
    write(":why -A");
    await until(/nothing is wrong in the cluster/);
  });

  it("scales, restarts and deletes after asking, as kubectl does", async () => {
    write(":deploy");
    await until(/> {2}web/);
    press("s");
    await until(() => app.prompt?.label === "Replicas of web");
    assert.equal(app.prompt?.text, "2");
    press("backspace");
    write("3");
    await until(/web scaled to 3/);
    press("s");
    await until(() => app.prompt?.is === "ask");
    press("ctrl-u");
    write("many");
    await until(/replicas: "many" is not a number/);
    press("r");
    await until(() => app.prompt?.is === "confirm");
    press("y");
    await until(/web restarts/);
    const made = await cluster.client.get(resources.deployments, { name: "web", namespace: "default" });
    assert.equal(made.spec.replicas, 3);
    assert.ok(made.spec.template.metadata?.annotations?.["kubectl.kubernetes.io/restartedAt"]);
    write(":secrets");
    await until(/> {2}key/);
    press("ctrl-d");
    await until(() => app.prompt?.label.startsWith("Delete secret/key?") ?? false);
    press("n");
    assert.match(screenText(), /key/);
    press("x");
    await until(
      (text) => text.includes("word:\n  open sesame\n") && text.includes("(1 bytes that are no text)"),
    );
  });

  it("filters while one writes, and forgets it with Escape", async () => {
    await until(/^pods\(default\)\[[1-9]/);
    press("/", ..."nothing-like-it");
    await until(/^pods\(default\)\[0\]/);
    press("esc");
    await until(/^pods\(default\)\[[1-9]/);
    write("/web");
    press("esc");
    assert.equal(app.page?.filter, "");
  });

  it("cordons nodes that are marked", async () => {
    write(":no");
    await until(/^nodes\[2\]/);
    press("space", "space", "c");
    await until(/SchedulingDisabled[\s\S]*SchedulingDisabled/);
    press("ctrl-\\", "g", "u");
    await until((text) => text.split("SchedulingDisabled").length === 2);
    press("space", "space", "u");
    await until((text) => !text.includes("SchedulingDisabled"));
  });

  it("changes nothing where it may only look", async () => {
    app.close();
    await start(true);
    await until(/^pods\(default\)\[[1-9]/);
    press("ctrl-k");
    assert.equal(app.flashed?.text, "Kill: delete at once: not with --readonly");
    assert.equal(app.prompt, undefined);
  });

  it("says what there is not, what each key does, and quits", async () => {
    write(":nonsense");
    assert.match(app.flashed?.text ?? "", /no kind and no command "nonsense"/);
    await until(/^pods\(default\)\[[1-9]/);
    press("c");
    assert.match(copied[0] ?? "", /^web-/);
    press("?");
    await until(/ctrl-d +Delete/);
    press("ctrl-a");
    await until(/^aliases\[[\s\S]*configmaps +cm/);
    write(":q");
    assert.ok(hasQuit);
  });

  it("saves what an editor made of an object, and tells the editor what was not taken", async () => {
    const client = cluster.client.rest;
    const kind = (await discover(client)).find(({ plural }) => plural === "secrets");
    assert.ok(kind);
    const ref = { name: "key", namespace: "default" };
    const seen: string[] = [];
    const edits = [
      (text: string) => text.replace("kind: Secret", "kind: Secret\nwrong: 1"),
      (text: string) => text.replace("wrong: 1", "immutable: true"),
    ];
    const edit = async (file: string) => {
      const text = await readFile(file, "utf8");
      seen.push(text);
      await writeFile(file, edits[seen.length - 1]?.(text) ?? text);
    };
    assert.equal(await editObject(client, kind, ref, edit), "key saved");
    assert.match(seen[1] ?? "", /^#! It was not taken:\n#! .*unknown field "wrong"/m);
    assert.equal(await editObject(client, kind, ref, edit), "key is left as it was");
    const { immutable } = await cluster.client.get(resources.secrets, ref);
    assert.equal(immutable, true);
  });
});
