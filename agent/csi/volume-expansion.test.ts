import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { resources } from "../../client/resources.ts";
import { FakeApi } from "../../client/testing/fake-api.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { CsiError } from "./driver-calls.ts";
import { VolumeExpansion } from "./volume-expansion.ts";
import { CsiPaths } from "./volume-paths.ts";

describe("expansion of CSI volumes", () => {
  const record = {
    podUid: "u",
    name: "pv1",
    podName: "v",
    driver: "d",
    handle: "h",
    lifecycle: "Persistent",
    isBlock: false,
    publishedBoot: "b",
    isMount: true,
  } as const;
  let api: FakeApi;
  let clock: ManualClock;
  let asked: { readonly name: string; readonly request: Record<string, unknown> }[];
  let events: string[];
  let failure: CsiError | undefined;
  let abilities: ReadonlySet<string>;

  beforeEach(async () => {
    api = new FakeApi();
    clock = new ManualClock();
    asked = [];
    events = [];
    failure = undefined;
    abilities = new Set(["EXPAND_VOLUME"]);
    const claim = await api.create(resources.persistentvolumeclaims, {
      metadata: { name: "c", namespace: "n" },
      spec: { volumeName: "pv1" },
      status: {
        phase: "Bound",
        capacity: { storage: "1Gi" },
        allocatedResourceStatuses: { storage: "NodeResizePending" },
        conditions: [
          { type: "FileSystemResizePending", status: "True" },
          { type: "Other", status: "True" },
        ],
      },
    } as never);
    await api.create(resources.persistentvolumes, {
      metadata: { name: "pv1" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "2Gi" },
        claimRef: { namespace: "n", name: "c", uid: claim.metadata.uid },
        csi: { driver: "d", volumeHandle: "h", fsType: "ext4" },
      },
    } as never);
  });

  async function look(): Promise<void> {
    const node = {
      ask: async (name: string, request: Record<string, unknown>) => {
        asked.push({ name, request });
        if (failure !== undefined) throw failure;
        return {};
      },
    };
    const expansion = new VolumeExpansion({
      client: api,
      os: { clock, log: silentLog },
      paths: new CsiPaths("/root"),
      drivers: { get: () => ({ abilities: async () => abilities, node }) as never },
      volumes: { published: () => [record], secret: async () => ({}), stagingPathOf: () => "/staged" },
      events: () => ({ record: (_, { reason }) => void events.push(reason) }),
    });
    const abort = new AbortController();
    const running = expansion.run(abort.signal);
    await clock.advance(30_000);
    abort.abort(new Error("over"));
    await assert.rejects(running, /over/);
  }
  const status = async () =>
    (await api.get(resources.persistentvolumeclaims, { namespace: "n", name: "c" })).status;

  it("has the driver make a mounted volume as large as it has become, and tells the claim once", async () => {
    await look();
    assert.deepEqual(JSON.parse(JSON.stringify(asked)), [
      {
        name: "NodeExpandVolume",
        request: {
          volumeId: "h",
          volumePath: "/root/pods/u/volumes/kubernetes.io~csi/pv1/mount",
          capacityRange: { requiredBytes: 2 ** 31 },
          stagingTargetPath: "/staged",
          volumeCapability: {
            mount: { fsType: "ext4", mountFlags: [], volumeMountGroup: "" },
            accessMode: { mode: "SINGLE_NODE_WRITER" },
          },
          secrets: [],
        },
      },
    ]);
    assert.deepEqual(await status(), {
      phase: "Bound",
      capacity: { storage: "2Gi" },
      allocatedResourceStatuses: {},
      conditions: [{ type: "Other", status: "True" }],
    });
    assert.deepEqual(events, ["FileSystemResizeSuccessful"]);
    await look();
    assert.equal(asked.length, 1);
  });

  it("asks again after a failure, and no more after one that says that it will never be", async () => {
    failure = new CsiError({ status: "UNAVAILABLE", message: "later", sent: true });
    await look();
    await look();
    assert.equal(asked.length, 2);
    failure = new CsiError({ status: "OUT_OF_RANGE", message: "too large", sent: true });
    await look();
    assert.equal((await status())?.allocatedResourceStatuses?.storage, "NodeResizeInfeasible");
    await look();
    assert.equal(asked.length, 3);
    assert.deepEqual(new Set(events), new Set(["VolumeResizeFailed"]));
  });

  it("leaves a volume alone whose driver cannot, or that is another claim's by now", async () => {
    abilities = new Set();
    await look();
    abilities = new Set(["EXPAND_VOLUME"]);
    await api.delete(resources.persistentvolumeclaims, { namespace: "n", name: "c" });
    await look();
    assert.deepEqual(asked, []);
  });
});
