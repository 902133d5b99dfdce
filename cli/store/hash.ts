import { resolve } from "node:path";
import { readOnlyDisk, systemDisk } from "../../base/os/disk.ts";
import { UsageError } from "../../base/os/flags.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { hashSnapshot } from "../../store/offline/hash-snapshot.ts";
import { hashState, readState } from "../../store/offline/load-database.ts";
import { withStoppedDatabase } from "../../store/offline/stopped-database.ts";
import { command } from "../command.ts";
import { answerText, onlyWord, outputFlag } from "./formats.ts";
import { memberFlags, withMembers } from "./members.ts";

const flags = {
  ...memberFlags,
  "data-dir": {
    kind: "string",
    value: "DIR",
    help: "a stopped member's data directory, in place of running members",
  },
  rev: {
    kind: "integer",
    default: 0,
    value: "REVISION",
    help: "hash the history up to this revision; 0: the newest",
  },
  output: outputFlag,
} as const;

interface HashedMember {
  readonly member: string;
  readonly hash: number;
  readonly hashRevision: number;
  readonly compactRevision: number;
}

export const hashCommand = command<typeof flags>({
  name: "store hash",
  summary:
    "HashKV of running members, a stopped one's files or a snapshot, to see whether they hold the same",
  usage: "[--endpoints URLS | --data-dir DIR | SNAPSHOT]",
  words: ["file", "none"],
  flags,
  examples: [
    "pintle store hash --endpoints http://10.0.0.1:2379,http://10.0.0.2:2379 --rev 1000",
    "pintle store hash --data-dir /var/lib/pintle",
    "pintle store hash backup.db",
  ],
  async run({ flags: given, words, given: names }, io) {
    const places = [...["endpoints", "data-dir"].filter((name) => names.has(name)), ...words];
    if (places.length > 1)
      throw new UsageError("--endpoints, --data-dir and a snapshot file exclude each other");
    const members = await hashedBy(given, words);
    if (given.output === "json") io.stdout(`${JSON.stringify(members)}\n`);
    else io.stdout(members.map((member) => answerText({ ...member }, "text")).join("\n"));
    return 0;
  },
});

type Given = Parameters<typeof online>[0] & { readonly "data-dir": string | undefined };

async function hashedBy(given: Given, words: readonly string[]): Promise<readonly HashedMember[]> {
  const dataDir = given["data-dir"];
  if (words.length > 0) return [await inSnapshot(resolve(onlyWord(words, "snapshot file")), given.rev)];
  return dataDir === undefined ? await online(given) : [await offline(resolve(dataDir), given.rev)];
}

async function inSnapshot(path: string, revision: number): Promise<HashedMember> {
  const { hash, hashRevision, compactRevision } = await hashSnapshot(path, readOnlyDisk, revision);
  return { member: path, hash, hashRevision, compactRevision };
}

function online(
  given: Parameters<typeof withMembers>[0] & { readonly rev: number },
): Promise<HashedMember[]> {
  return withMembers(given, (client) =>
    Promise.all(
      client.endpoints.map(async (endpoint) => {
        const answer = await client.callAt(endpoint, methods.hashKv, { revision: given.rev });
        const { hash, hashRevision, compactRevision } = answer;
        return { member: endpoint.url, hash, hashRevision, compactRevision };
      }),
    ),
  );
}

async function offline(dataDir: string, revision: number): Promise<HashedMember> {
  const found = await withStoppedDatabase(dataDir, systemDisk, async (backend) =>
    hashState(await readState(backend), revision),
  );
  const { hash, hashRevision, compactRevision } = found;
  return { member: dataDir, hash, hashRevision, compactRevision };
}
