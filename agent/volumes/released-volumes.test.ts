import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { InformerFactory } from "../../client/informer.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { WorkQueue } from "../../client/work-queue.ts";
import { noCsi, noExpansion } from "../csi/testing/no-csi.ts";
import { noRemote } from "../remote-volumes/testing/no-remote.ts";
import { ClaimedVolumes } from "./claimed-volumes.ts";
import { ReleasedVolumes } from "./released-volumes.ts";

const name = "pv1";

describe("volumes that are folders of the node", () => {
  let folder: string;
  let api: FakeApi;
  let tasks: TaskScope;
  let claimed: ClaimedVolumes;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-released-"));
    api = new FakeApi();
    tasks = new TaskScope(silentLog);
    claimed = new ClaimedVolumes({
      client: api,
      nodeName: "n1",
      nodeLabels: async () => ({}),
      folder,
      csi: noCsi,
      remote: noRemote,
      expansion: noExpansion,
      events: () => ({ record: () => undefined }),
    });
  });
  afterEach(async () => {
    await tasks.stop();
    await rm(folder, { recursive: true, force: true });
  });

  interface Row {
    readonly node?: string;
    readonly phase?: string;
    readonly reclaim?: string;
    readonly path?: string;
  }

  function make({ node = "n1", phase = "Released", reclaim = "Delete", path = join(folder, name) }: Row) {
    return api.create(resources.persistentvolumes, {
      metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } },
      spec: {
        persistentVolumeReclaimPolicy: reclaim,
        local: { path },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }],
          },
        },
      },
      status: { phase },
    } as never);
  }
  const fill = async () => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "file"), "x");
  };

  /** Works on all that is to go. Resolves with what asks to be looked at again. */
  async function work(): Promise<readonly unknown[]> {
    const os = { clock: new ManualClock(), random: systemRandom, log: silentLog };
    const volumes = new InformerFactory(tasks, { client: api, ...os }).informer(resources.persistentvolumes);
    const queue = new WorkQueue(os);
    const released = new ReleasedVolumes({
      client: api,
      log: silentLog,
      volumes,
      queue,
      isOurs: (node) => node === "n1",
      removeFolder: (volume) => claimed.removeFolder(volume),
    });
    released.follow();
    await volumes.synced(tasks.signal);
    const again: unknown[] = [];
    while (queue.length > 0) {
      const key = await queue.take(tasks.signal);
      again.push(await released.sync(key, tasks.signal));
      queue.done(key);
    }
    return again;
  }
  const left = async () => [await readdir(folder), api.all(resources.persistentvolumes).length];

  it("go once they are released and are to be deleted: the folder first, then the volume", async () => {
    await make({});
    await fill();
    await work();
    assert.deepEqual(await left(), [[], 0]);
  });

  it("go where no pod ever mounted them, so that there is no folder", async () => {
    await make({});
    await work();
    assert.deepEqual(await left(), [[], 0]);
  });

  it("stay while they are bound, kept, another node's or elsewhere; and so does a folder without a volume", async () => {
    await fill();
    await work();
    assert.deepEqual(await left(), [[name], 0]);
    const rows: readonly Row[] = [
      { phase: "Bound" },
      { reclaim: "Retain" },
      { node: "n2" },
      { path: "/elsewhere" },
    ];
    for (const row of rows) {
      await make(row);
      await work();
      assert.deepEqual(await left(), [[name], 1], JSON.stringify(row));
      await api.delete(resources.persistentvolumes, { name });
    }
  });

  it("wait for the pod that has them yet", async () => {
    await make({});
    await fill();
    claimed.isUsed = () => true;
    assert.deepEqual(await work(), [{ requeueAfterMs: 15_000 }]);
    assert.deepEqual(await left(), [[name], 1]);
  });

  it("stay where they were taken back since they were seen", async () => {
    await make({});
    await fill();
    api.intercept = async ({ verb }) => {
      if (verb !== "get") return undefined;
      api.intercept = async () => undefined;
      const body = { status: { phase: "Available" } };
      await api.patch(resources.persistentvolumes, { name }, body, { type: "merge", subresource: "status" });
      return undefined;
    };
    await work();
    assert.deepEqual(await left(), [[name], 1]);
  });
});
