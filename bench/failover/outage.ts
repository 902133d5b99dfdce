import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { utf8 } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { StoreClient } from "../../store/client/store-client.ts";
import { leaderAndRest } from "../leader.ts";
import { type Side, untilHealthy } from "../peers.ts";

/** `kill`: a member's process is killed. `stop`: it stands still, so that its connections stay and nothing comes by them, as
 *  where its network is cut. */
export const troubles = ["kill", "stop"] as const;
export type Trouble = (typeof troubles)[number];

export const victims = ["leader", "follower"] as const;
export type Victim = (typeof victims)[number];

const probeEveryMs = 10;
/** Longer than anybody means to wait for. */
const backWithinMs = 30_000;
const healthyWithinMs = 60_000;

/** One member meets a trouble, and is back when this resolves.
 *  @returns Milliseconds from the trouble until a put begun after it was acknowledged through each of the others. */
export async function outage(
  side: Side,
  { trouble, victim }: { readonly trouble: Trouble; readonly victim: Victim },
): Promise<number> {
  const [leader = 0, ...followers] = await leaderAndRest(side);
  const [first = 0, ...others] = followers;
  const hit = victim === "leader" ? leader : first;
  const rest = victim === "leader" ? followers : [leader, ...others];
  const clients = rest.map((member) => memberClient(side, member));
  try {
    // What a connection costs is no part of the outage.
    await Promise.all(clients.map(put));
    const startedMs = performance.now();
    if (trouble === "kill") await side.kill([hit]);
    else side.signal([hit], "SIGSTOP");
    const back = await Promise.all(clients.map(untilWritten));
    return Math.max(...back) - startedMs;
  } finally {
    for (const client of clients) client.close();
    if (trouble === "kill") side.start([hit]);
    else side.signal([hit], "SIGCONT");
    await untilHealthy(side, hit, healthyWithinMs);
  }
}

function memberClient({ endpoints, authorityPem }: Side, member: number): StoreClient {
  const tls = authorityPem === undefined ? undefined : { ca: authorityPem };
  return openStoreClient(
    { endpoints: [endpoints[member] ?? ""], tls, timeoutMs: backWithinMs },
    { clock: systemClock, random: systemRandom },
  );
}

async function put(client: StoreClient): Promise<void> {
  const [endpoint] = client.endpoints;
  if (endpoint === undefined) throw new Error("the client has no endpoint");
  await client.callAt(endpoint, methods.put, { key: utf8("bench/failover"), value: utf8("x") });
}

/** Puts begin every few milliseconds, whatever became of those before: some that a dead leader was to take are answered late.
 *  @returns When the first was acknowledged, by `performance.now()`. */
function untilWritten(client: StoreClient): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    let lastFailure = "no put was answered";
    const probe = () => {
      if (performance.now() - startedMs > backWithinMs) {
        clearInterval(timer);
        reject(new Error(`writes are not back within ${backWithinMs / 1000} s: ${lastFailure}`));
        return;
      }
      put(client).then(
        () => {
          clearInterval(timer);
          resolve(performance.now());
        },
        (error: unknown) => {
          lastFailure = error instanceof Error ? error.message : String(error);
        },
      );
    };
    const timer = setInterval(probe, probeEveryMs);
    probe();
  });
}
