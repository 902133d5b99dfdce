import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";

const program = fileURLToPath(new URL("../../bin/pintle", import.meta.url));
const hasScript = spawnSync("script", ["--version"]).status === 0;

/** On a terminal of its own, which util-linux's `script` gives it. */
describe("integration: pintle ui on a terminal", () => {
  let cluster: Cluster;
  let folder: string;
  let ui: ChildProcess | undefined;
  let seen = "";
  const listeners = new Set<() => void>();

  before(async function () {
    if (!hasScript) return this.skip();
    folder = await mkdtemp(join(tmpdir(), "pintle-ui-"));
    cluster = await startCluster({ nodes: 1 });
    await cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a-map", namespace: "default" },
      data: { title: "\u001b]0;stolen\u0007harmless" },
    });
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, (await cluster.kubeconfig()).text);
    const line = `stty rows 30 cols 100; exec '${process.execPath}' '${program}' ui configmaps --kubeconfig '${kubeconfig}'`;
    ui = spawn("script", ["-qfec", line, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TERM: "xterm-256color", SHELL: "/bin/sh" },
    });
    ui.stdout?.on("data", (bytes: Buffer) => {
      seen += bytes.toString("utf8");
      for (const listener of listeners) listener();
    });
  });

  after(async () => {
    ui?.kill("SIGKILL");
    await cluster?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  const until = (wanted: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!wanted.test(seen)) return;
        listeners.delete(look);
        seen = "";
        resolve();
      };
      listeners.add(look);
      look();
    });

  it("draws, follows keys, shows nothing that a terminal acts on, and gives the screen back", async () => {
    assert.ok(ui?.stdin);
    await until(/\x1b\[\?1049h[\s\S]*configmaps\(default\)[\s\S]*a-map/);
    await cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "later", namespace: "default" },
    });
    await until(/later/);
    ui.stdin.write("/a-map\r");
    await until(/configmaps\(default\)\[1\] \/a-map/);
    ui.stdin.write("y");
    await until(/yaml\(default\/a-map\)[\s\S]*harmless/);
    ui.stdin.write("\x1b");
    await until(/configmaps\(default\)/);
    const ended = once(ui, "exit");
    ui.stdin.write(":q\r");
    await until(/\x1b\[\?1049l/);
    assert.deepEqual(await ended, [0, null]);
  });
});
