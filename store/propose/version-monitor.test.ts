import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../driver/seams.ts";
import { noDowngrade } from "../membership/cluster-version.ts";
import { VersionMonitor } from "./version-monitor.ts";

describe("VersionMonitor", () => {
  /** What a leader of 3.7 warns of, and has the cluster of 3.6 agree on, where another member tells this version of its program. */
  const outcome = async (told: string) => {
    const warned: unknown[] = [];
    const agreed: unknown[] = [];
    const monitor = new VersionMonitor(
      { downgradeCheckMs: 0 },
      {
        memberId: 1n,
        version: "3.7.1",
        members: { ids: () => [1n, 2n], clusterVersion: "3.6.0", downgrade: noDowngrade },
        versionOf: async () => told,
        proposer: { propose: async (...said: unknown[]) => void agreed.push(said[1]) } as never,
        consensus: {
          status: { role: "leader", term: 4 } as ConsensusStatus,
          onLeadership: () => () => undefined,
        },
        clock: new ManualClock(),
        log: { ...silentLog, warn: (text, fields) => void warned.push({ text, ...fields }) },
      },
    );
    await new Promise(setImmediate);
    monitor.stop();
    return { warned, agreed };
  };

  it("has the cluster agree on what all members speak", async () => {
    assert.deepEqual(await outcome("3.7.0"), { warned: [], agreed: [{ ver: "3.7.0" }] });
    assert.deepEqual(await outcome("3.6.9"), { warned: [], agreed: [] });
  });

  it("leaves the version as it is, and tells, where nobody can read a member's", async () => {
    const { warned, agreed } = await outcome("newest");
    assert.deepEqual(agreed, []);
    assert.deepEqual(warned, [
      {
        text: "failed to parse server version of remote member",
        "remote-member-id": 2n,
        "remote-member-version": "newest",
      },
    ]);
  });
});
