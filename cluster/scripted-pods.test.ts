import assert from "node:assert/strict";
import { connectCluster } from "../client/kube/connect.ts";
import type { KubeClient } from "../client/kube/kube-client.ts";
import { resources } from "../client/resources.ts";
import type { Pod } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";

const pod = (name: string, image: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image, ...more }] },
});
const manual = { clock: "manual", seed: 1 } as const;
const waits = (reason: string) => (pods: readonly Pod[]) =>
  pods.find(({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === reason);

describe("scripted pods of a cluster", function () {
  this.timeout(60_000);

  it("pull, fail, crash and are evicted, as events tell", async () => {
    await using cluster = await startCluster({
      ...manual,
      pods: [
        { image: "slow:*", pull: "3s", start: "2s" },
        { image: "bad", pull: { error: "not found" } },
        { name: /^crash/, exit: { code: 1, after: "5s" } },
        { labels: { hungry: "yes" }, evict: { after: "10s", message: "no memory" } },
      ],
    });
    const slow = pod("slow", "slow:1");
    const startMs = cluster.clock.wallMs();
    await cluster.apply(slow);
    await cluster.untilReady(slow);
    assert.equal(cluster.clock.wallMs() - startMs, 5_000);
    await cluster.apply([pod("bad", "bad"), pod("crash", "web")]);
    await cluster.until(resources.pods, waits("ImagePullBackOff"));
    await cluster.until(resources.pods, waits("CrashLoopBackOff"));
    const hungry = pod("hungry", "web");
    await cluster.apply({ ...hungry, metadata: { name: "hungry", labels: { hungry: "yes" } } });
    const ended = await cluster.until(resources.pods, (all) =>
      all.find(({ status }) => status?.reason === "Evicted"),
    );
    assert.equal(ended.status?.phase, "Failed");
    const told = ["Pulling", "Failed", "BackOff", "Evicted"].map(
      (reason) => cluster.events.list({ reason })[0]?.involvedObject.name,
    );
    assert.deepEqual(told, ["slow", "bad", "bad", "hungry"]);
    assert.equal(cluster.events.list({ reason: "Pulling" })[0]?.source?.component, "kubelet");
    // What is said while it runs counts at once.
    const script = cluster.script({ name: "slow", exit: { code: 7 } });
    await cluster.until(resources.pods, (all) =>
      all.some(({ status }) => status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode === 7),
    );
    script.remove();
    await cluster.untilReady(slow, { timeout: "10m" });
    assert.throws(
      () => cluster.script({ pull: "soon" }),
      /^TypeError: script\[0\]\.pull: "soon" is no duration/,
    );
    await assert.rejects(
      startCluster({ pods: [{ exit: { code: -1 } }] }),
      /pods\[0\]\.exit\.code: -1 must be/,
    );
  });

  it("have logs and answer commands", async () => {
    await using cluster = await startCluster({
      pods: [
        {
          name: "talks",
          logs: ({ container, restarts }) => `${container} has begun\nrestarts: ${restarts}\n`,
          exec: (command, { stdin }) =>
            command[0] === "cat" ? stdin : { stderr: `${command[0]}: not found\n`, code: 127 },
        },
        { name: "ends", logs: "bye\n", exit: { code: 0 } },
      ],
    });
    const quiet = pod("quiet", "web");
    const ends = { ...pod("ends", "web"), spec: { ...pod("ends", "web").spec, restartPolicy: "Never" } };
    await cluster.apply([pod("talks", "web"), quiet, ends]);
    await cluster.untilReady([pod("talks", "web"), quiet, ends]);
    const logs = async (name: string, options = {}) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of cluster.client.logs({ namespace: "default", name }, options))
        pieces.push(piece);
      return Buffer.concat(pieces).toString();
    };
    assert.equal(await logs("talks"), "c has begun\nrestarts: 0\n");
    assert.equal(await logs("talks", { tailLines: 1 }), "restarts: 0\n");
    assert.match(await logs("talks", { timestamps: true }), /^\d{4}-\S+Z c has begun\n/);
    assert.equal(await logs("ends", { follow: true }), "bye\n");
    assert.equal(await logs("quiet"), "");
    await assert.rejects(logs("nobody"), { code: 404 });
    await assert.rejects(
      logs("talks", { previous: true }),
      /previous terminated container "c" in pod "talks" not found/,
    );
    const { text: kubeconfigText } = await cluster.kubeconfig();
    const outside = connectCluster({ kubeconfigText });
    const exec = async (client: KubeClient, name: string, command: readonly string[], input = "") => {
      const said = { stdout: "", stderr: "" };
      const session = await client.exec(
        { namespace: "default", name },
        {
          command,
          stdin: input !== "",
          onStdout: (bytes) => {
            said.stdout += Buffer.from(bytes).toString();
          },
          onStderr: (bytes) => {
            said.stderr += Buffer.from(bytes).toString();
          },
        },
      );
      if (input !== "") {
        session.write(Buffer.from(input));
        session.closeStdin();
      }
      return { code: await session.exitCode, ...said };
    };
    try {
      for (const client of [cluster.client, outside]) {
        assert.deepEqual(await exec(client, "talks", ["cat"], "hello"), {
          code: 0,
          stdout: "hello",
          stderr: "",
        });
        assert.deepEqual(await exec(client, "talks", ["fly"]), {
          code: 127,
          stdout: "",
          stderr: "fly: not found\n",
        });
        await assert.rejects(
          exec(client, "quiet", ["ls"]),
          /nothing runs in containers of simulated nodes: say by exec/,
        );
      }
      await assert.rejects(exec(cluster.clientFor("jane"), "talks", ["cat"]), { code: 403 });
    } finally {
      outside.close();
    }
  });
});
