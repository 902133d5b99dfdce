import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { putRequest } from "../../proto/etcd.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { Watcher } from "../../store/client/watcher.ts";
import { drive, type Job, type RoundResult } from "./drive.ts";
import { DueTemplate } from "./due-template.ts";
import { Latencies } from "./latencies.ts";
import { LeaseTemplate, leaseIdOf } from "./lease-template.ts";
import { keyOf, patchedByBoth, RequestTemplate } from "./request-template.ts";
import { unlessStalled } from "./unless-stalled.ts";

/** Leases that are granted, hold a key each, and are all due within one second. */
export interface LeaseLives extends Pick<Job, "clients" | "connections" | "authorityPem"> {
  /** Of the first lease and its key; those after it count on. */
  readonly firstNumber: number;
  /** From the first grant to when all leases are due. */
  readonly dueSeconds: number;
}

const value = new Uint8Array(256).fill(120);
const attach = patchedByBoth(
  new RequestTemplate((key) => putRequest.encode({ key, value, lease: leaseIdOf(0) })),
  new LeaseTemplate((lease) => putRequest.encode({ key: keyOf(0), value, lease })),
);

/** Drives endpoints with so many leases. Seconds are those of the grants, of the puts, and from when the leases are due until
 *  all keys are gone; latencies are of keys that go, from when they are due. Throws where a lease is not granted or kept. */
export async function driveLeases(
  lives: LeaseLives,
  endpoints: readonly string[],
  leases: number,
): Promise<RoundResult> {
  const cpuBefore = process.cpuUsage();
  const dueMs = performance.now() + lives.dueSeconds * 1000;
  const job = { ...lives, keyNumber: (n: number) => lives.firstNumber + n };
  const ask = async (path: string, template: Job["template"]) => {
    const result = await drive({ ...job, path, template }, endpoints, { requests: leases });
    if (result.failures > 0) throw new Error(`${path} fails: ${result.firstFailure}`);
    return result;
  };
  const grants = await ask("/etcdserverpb.Lease/LeaseGrant", new DueTemplate(dueMs));
  const puts = await ask("/etcdserverpb.KV/Put", attach);
  const delays = await untilGone(lives, endpoints, { leases, dueMs });
  const [p50Ms = 0, p99Ms = 0, lastMs = 0] = delays.quantiles([0.5, 0.99, 1]);
  const steps = [
    { name: "grants", seconds: grants.seconds },
    { name: "puts", seconds: puts.seconds },
    { name: "expiry", seconds: lastMs / 1000 },
  ];
  const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
  const cpu = process.cpuUsage(cpuBefore);
  return {
    requests: leases,
    failures: 0,
    seconds,
    perSecond: leases / seconds,
    p50Ms,
    p99Ms,
    answerBytes: grants.answerBytes + puts.answerBytes,
    generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
    steps,
  };
}

/** How long after they were due the keys went. */
async function untilGone(
  { firstNumber, authorityPem }: LeaseLives,
  endpoints: readonly string[],
  { leases, dueMs }: { readonly leases: number; readonly dueMs: number },
): Promise<Latencies> {
  const tls = authorityPem === undefined ? undefined : { ca: authorityPem };
  const client = openStoreClient({ endpoints, tls }, { clock: systemClock, random: systemRandom });
  try {
    const watcher = client.watch({
      key: keyOf(firstNumber),
      rangeEnd: keyOf(firstNumber + leases),
      filters: ["NOPUT"],
    });
    const delays = new Latencies();
    let lastMs = dueMs;
    const gone = takeDeletions(watcher, { leases, dueMs }, (nowMs) => {
      lastMs = nowMs;
      delays.add(nowMs - dueMs);
    });
    await unlessStalled(
      gone,
      () => lastMs,
      () => `${leases - delays.count} of ${leases} keys do not go`,
    );
    return delays;
  } finally {
    client.close();
  }
}

async function takeDeletions(
  watcher: Watcher,
  { leases, dueMs }: { readonly leases: number; readonly dueMs: number },
  take: (nowMs: number) => void,
): Promise<void> {
  let missing = leases;
  for await (const batch of watcher) {
    const nowMs = performance.now();
    if (batch.kind === "created" && nowMs > dueMs)
      throw new Error("the leases were due before each had its key");
    if (batch.kind !== "events") continue;
    for (const _ of batch.events) take(nowMs);
    missing -= batch.events.length;
    if (missing === 0) return;
  }
}
