import { askMember } from "./gateway.ts";
import { keyOf } from "./generator/request-template.ts";
import { leaderAndRest } from "./leader.ts";
import type { Restarted } from "./load.ts";
import { type Side, untilHealthy } from "./peers.ts";
import type { SideRound } from "./report.ts";

/** Members read a million keys again before they are healthy. */
const healthyWithinMs = 300_000;

/** One round: members are killed and started on what they left. The time is that from their start until each has answered a
 *  linearizable read; CPU and memory are theirs. */
export async function restart(side: Side, which: Restarted): Promise<SideRound> {
  const all = await leaderAndRest(side);
  const members = which === "all" ? all : all.slice(-1);
  const beforeMb = side.residentMb(members);
  await side.kill(members);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  side.start(members);
  await Promise.all(members.map((member) => untilItReads(side, member)));
  const tookMs = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    requests: 1,
    failures: 0,
    seconds: tookMs / 1000,
    perSecond: 1000 / tookMs,
    p50Ms: tookMs,
    p99Ms: tookMs,
    answerBytes: 0,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
    cpuMsPerThousand: side.cpuSeconds(members) * 1e6,
    beforeMb,
    peakMb: side.peakMb(members),
    afterMb: side.residentMb(members),
  };
}

/** Throws where the member lacks the first of the keys. */
async function untilItReads(side: Side, member: number): Promise<void> {
  await untilHealthy(side, member, healthyWithinMs);
  const key = Buffer.from(keyOf(0)).toString("base64");
  const { kvs = [] } = (await askMember(side, member, "kv/range", { key })) as {
    readonly kvs?: readonly object[];
  };
  if (kvs.length !== 1) throw new Error(`a member of ${side.name} lost its keys`);
}
