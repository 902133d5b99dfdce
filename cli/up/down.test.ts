import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { birthOf } from "../../agent/runtime/supervised/process-birth.ts";
import { parseFlags } from "../../base/os/flags.ts";
import type { CommandIo } from "../command.ts";
import { type ClusterState, readClusterState, writeClusterState } from "./cluster-state.ts";
import { downCommand } from "./down.ts";
import { clusterLayout } from "./layout.ts";
import { stillRunning } from "./leftovers.ts";

/** A program that does not mind SIGTERM; its command line names the folder. */
async function stubborn(folder: string): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn("sh", ["-c", 'trap "" TERM; echo up; while :; do sleep 1; done', folder], {
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  assert.ok(child.pid);
  return child as ChildProcess & { pid: number };
}

describe("pintle down", function () {
  this.timeout(120_000);
  let folder: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-down-"));
  });
  afterEach(() => {
    for (const child of children.splice(0)) if (child.pid !== undefined) killGroup(child.pid);
    rmSync(folder, { recursive: true, force: true });
  });
  const state = (supervisorPid: number | null, componentPid: number): ClusterState => ({
    version: 1,
    plan: { replicas: 1, nodes: 1, runtime: "process", networkSlot: 19, ports: {} },
    supervisorPid,
    components: [{ name: "server-1", kind: "server", pid: componentPid, restarts: 0, startedMs: 0 }],
  });

  it("ends within its grace although supervisor and component do not stop, and says so", async () => {
    const layout = clusterLayout(folder);
    const [supervisor, component] = await Promise.all([stubborn(folder), stubborn(folder)]);
    children.push(supervisor, component);
    const gone = [supervisor, component].map((one) => new Promise((resolve) => one.once("exit", resolve)));
    writeClusterState(layout, state(supervisor.pid, component.pid));
    let errors = "";
    const io = {
      stdout: () => undefined,
      stderr: (text: string) => {
        errors += text;
      },
      env: {},
      signal: new AbortController().signal,
    } as unknown as CommandIo;
    const words = ["--data-dir", folder, "--grace-period", "300ms"];
    assert.equal(await downCommand.run(parseFlags(downCommand.flags, words, { env: {} }), io), 0);
    await Promise.all(gone);
    assert.match(errors, new RegExp(`process ${supervisor.pid} did not stop the cluster within 0.3 s`));
    assert.deepEqual(readClusterState(layout)?.components, []);
  });

  it("names what still runs: components, containers and sandboxes", async () => {
    const layout = clusterLayout(folder);
    const child = await stubborn(folder);
    children.push(child);
    const node = layout.node("node-1");
    const born = birthOf(child.pid);
    const pod = { namespace: "default", name: "web", uid: "u" };
    mkdirSync(join(node, "containers", "c1"), { recursive: true });
    mkdirSync(join(node, "sandboxes", "s1"), { recursive: true });
    const annotations = { podNamespace: "default", podName: "web", podUid: "u" };
    writeFileSync(
      join(node, "containers", "c1", "container.json"),
      JSON.stringify({ id: "c1", config: { name: "main", annotations } }),
    );
    writeFileSync(
      join(node, "containers", "c1", "started"),
      `2026-01-01T00:00:00Z ${child.pid} ${born} 1 0\n`,
    );
    writeFileSync(
      join(node, "sandboxes", "s1", "sandbox.json"),
      JSON.stringify({ id: "s1", config: { pod }, pause: { pid: child.pid, born } }),
    );
    const process = `(process ${child.pid})`;
    assert.deepEqual(await stillRunning(layout, state(null, child.pid)), [
      `server-1 ${process}`,
      `container main of pod default/web ${process}`,
      `the sandbox of pod default/web ${process}`,
    ]);
  });
});

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
