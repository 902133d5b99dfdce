import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { below, type Random } from "../../../base/os/random.ts";
import { damageLog } from "./damage-log.ts";
import { networkTroubles } from "./network-troubles.ts";
import type { StoreCluster } from "./store-cluster.ts";
import { anyMember, MissingHereError, type Trouble } from "./trouble.ts";

export const troubles: Readonly<Record<string, Trouble>> = {
  "kill the leader": async (cluster, random) => killed(cluster, await cluster.leader(), random),
  "kill one": (cluster, random) => killed(cluster, anyMember(random), random),
  "stop one for a while": async ({ processes }, random) => {
    const member = anyMember(random);
    processes.pause(member);
    await sleep(500 + below(random, 3_000));
    processes.resume(member);
  },
  "restart all in turn": async ({ processes }) => {
    for (const member of processes.endpoints.keys()) {
      await processes.terminate(member);
      await processes.start(member);
    }
  },
  "replace one": (cluster, random) => cluster.replace(anyMember(random)),
  "fill a disk": async ({ disks, processes }, random) => {
    const member = anyMember(random);
    const giveBack = disks[member]?.fill();
    if (giveBack === undefined) throw new MissingHereError("mounted files");
    try {
      assert.equal(await processes.exited(member), 1, "a member whose disk is full");
      assert.match(processes.output(member), /(no space left on the device|the disk is full)/);
    } finally {
      giveBack();
    }
    await processes.kill(member);
    await processes.start(member);
  },
  "cut the power of one": (cluster, random) => powerCut(cluster, [anyMember(random)]),
  "cut the power of all": (cluster) => powerCut(cluster, [0, 1, 2]),
  "damage a log": async (cluster, random) => {
    const { processes } = cluster;
    const member = anyMember(random);
    await processes.kill(member);
    const before = processes.output(member).length;
    const where = damageLog(join(processes.folder, `m${member}`, "member", "wal"), random);
    const started = await processes.start(member).then(
      () => true,
      () => false,
    );
    assert.equal(started, false, `a member whose log is damaged (${where}) serves`);
    assert.match(processes.output(member).slice(before), /write-ahead log is damaged: .*\.wal at byte/);
    await cluster.replace(member);
  },
  ...networkTroubles,
};

async function killed({ processes }: StoreCluster, member: number, random: Random): Promise<void> {
  await processes.kill(member);
  await sleep(below(random, 2_000));
  await processes.start(member);
}

async function powerCut({ disks, processes }: StoreCluster, members: readonly number[]): Promise<void> {
  if (disks.length === 0) throw new MissingHereError("mounted files");
  await Promise.all(members.map((member) => processes.kill(member)));
  for (const member of members) disks[member]?.cutPower();
  await Promise.all(members.map((member) => processes.start(member)));
}
