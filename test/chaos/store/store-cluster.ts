import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { must } from "../../../base/assert.ts";
import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import { openStoreClient } from "../../../store/client/open-client.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";
import { type StoreProcesses, startStoreProcesses } from "../../integration/etcd-processes.ts";
import { MemberDisk } from "./member-disk.ts";
import { MemberNetwork } from "./member-network.ts";

const pintle = fileURLToPath(new URL("../../../bin/pintle", import.meta.url));
const membersCount = 3;

/** Three members of the store, each in a network namespace where those can be had, else on loopback; each on a small file system
 *  of its own where that can be mounted. */
export interface StoreCluster {
  readonly processes: StoreProcesses;
  /** By member; empty where nothing can be mounted. */
  readonly disks: readonly MemberDisk[];
  /** Undefined where namespaces cannot be had. */
  readonly network: MemberNetwork | undefined;
  /** The place of whoever leads. */
  leader(): Promise<number>;
  /** Takes a member out, and lets it in again with an empty data directory. */
  replace(member: number): Promise<void>;
  /** Waits until every member has applied what was committed when it was asked; answers their hashes of the whole history. */
  hashes(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startStoreCluster(): Promise<StoreCluster> {
  const disks: MemberDisk[] = [];
  const flags = ["--snapshot-count=1000", "--strict-reconfig-check=false"];
  const mount = async ({ dataDir }: { readonly dataDir: string }) => {
    const disk = MemberDisk.mount(dataDir);
    if (disk !== undefined) disks.push(disk);
  };
  const network = await MemberNetwork.lay(membersCount);
  const command = [process.execPath, pintle, "store"];
  const hostOf = network?.hostOf.bind(network);
  const processes = await startStoreProcesses(membersCount, command, flags, mount, hostOf);
  return {
    processes,
    disks,
    network,
    leader: () => leaderOf(processes),
    replace: (member) => replace(processes, member),
    hashes: () => hashesOf(processes),
    async stop() {
      for (const member of processes.endpoints.keys()) await processes.kill(member);
      for (const disk of disks) disk.unmount();
      await processes.stop();
      network?.remove();
    },
  };
}

async function withClient<T>(
  processes: StoreProcesses,
  use: (client: StoreClient) => Promise<T>,
): Promise<T> {
  const { endpoints } = processes;
  const client = openStoreClient(
    { endpoints, timeoutMs: 5_000 },
    { clock: systemClock, random: systemRandom },
  );
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

const patienceMs = 120_000;

/** Asks again until it is answered: the cluster may be without a leader for a while. */
async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const untilMs = performance.now() + patienceMs;
  for (let failure: unknown; ; ) {
    const answer = await ask().catch((error: unknown) => {
      failure = error;
      return undefined;
    });
    if (answer !== undefined) return answer;
    if (performance.now() > untilMs)
      throw new Error(`no ${what} within ${patienceMs / 1_000} s`, { cause: failure });
    await sleep(200);
  }
}

function leaderOf(processes: StoreProcesses): Promise<number> {
  return eventually("leader", () =>
    withClient(processes, async (client) => {
      const all = processes.endpoints.map((url) => client.status(url).catch(() => undefined));
      const at = (await Promise.all(all)).findIndex(
        (status) => status !== undefined && status.header?.memberId === status.leader,
      );
      return at < 0 ? undefined : at;
    }),
  );
}

async function replace(processes: StoreProcesses, member: number): Promise<void> {
  await processes.kill(member);
  const peerUrl = must(processes.peerUrls[member], "a URL per member");
  const askOther = <T>(ask: (client: StoreClient, at: StoreClient["endpoints"][number]) => Promise<T>) =>
    eventually("change of members", () =>
      withClient(processes, async (client) => {
        const other = await leaderOf(processes);
        return other === member
          ? undefined
          : ask(client, must(client.endpoints[other], "an endpoint per member"));
      }),
    );
  await askOther(async (client, at) => {
    const { members } = await client.callAt(at, methods.memberList, {});
    const known = members.find(({ peerUrls }) => peerUrls.includes(peerUrl));
    if (known !== undefined) await client.callAt(at, methods.memberRemove, { id: known.id });
    return true;
  });
  await askOther(async (client, at) => {
    const { members } = await client.callAt(at, methods.memberList, {});
    const isThere = members.some(({ peerUrls }) => peerUrls.includes(peerUrl));
    if (!isThere) await client.callAt(at, methods.memberAdd, { peerUrls: [peerUrl], isLearner: true });
    return true;
  });
  await processes.startAfresh(member);
  await askOther(async (client, at) => {
    const { members } = await client.callAt(at, methods.memberList, {});
    const own = members.find(({ peerUrls }) => peerUrls.includes(peerUrl));
    if (own?.isLearner) await client.callAt(at, methods.memberPromote, { id: own.id });
    return true;
  });
}

function hashesOf(processes: StoreProcesses): Promise<readonly string[]> {
  return eventually("hash of all members", () =>
    withClient(processes, async (client) => {
      const { revision } = await client.get("any");
      return Promise.all(
        client.endpoints.map(async (endpoint) => {
          await client.callAt(endpoint, methods.range, { key: Buffer.from("any") });
          const { hash, compactRevision } = await client.callAt(endpoint, methods.hashKv, { revision });
          return `${hash} at ${revision}, compacted up to ${compactRevision}`;
        }),
      );
    }),
  );
}
