import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { isIP } from "node:net";
import type { WireMember } from "../../../proto/etcd-cluster.ts";
import type { StatusResponse } from "../../../proto/etcd-maintenance.ts";
import { parseEndpoint } from "../../../store/client/endpoints.ts";
import { addressOf, type ClientTls } from "../../../store/client/grpc/dial.ts";
import type { StoreClient } from "../../../store/client/store-client.ts";
import { type Histogram, histogramOf } from "./metrics-text.ts";

/** What a member of the store says of itself. */
export interface StoreMember {
  /** Hexadecimal. */
  readonly id: string;
  readonly name: string;
  readonly isLearner: boolean;
  /** Why it cannot be asked; then nothing else is known. */
  readonly unreachable?: string;
  readonly isLeader?: boolean;
  readonly version?: string;
  readonly revision?: number;
  readonly raftTerm?: number;
  readonly raftIndex?: number;
  readonly raftAppliedIndex?: number;
  readonly databaseBytes?: number;
  readonly databaseBytesInUse?: number;
  /** 0: it tells none. */
  readonly databaseBytesMost?: number;
  readonly errors?: readonly string[];
  /** How long its write-ahead log took to be durable, in seconds, since it started; absent where its metrics cannot be read. */
  readonly walFsync?: Histogram;
}

export type AskMembers = () => Promise<readonly StoreMember[]>;

const bounds = { answerWithinMs: 2_000, metricsBytesMost: 4 << 20, membersMost: 32 };
const walFsync = "etcd_disk_wal_fsync_duration_seconds";

/** Asks each member, by the addresses that they tell clients. Who is asked while an answer is on its way gets the same. */
export function memberAsker(
  client: Pick<StoreClient, "members" | "status">,
  tls: ClientTls | undefined,
): AskMembers {
  let underWay: Promise<readonly StoreMember[]> | undefined;
  const ask = async () => {
    const members = await client.members({ timeoutMs: bounds.answerWithinMs, linearizable: false });
    return Promise.all(members.slice(0, bounds.membersMost).map((one) => askOne(client, one, tls)));
  };
  return () => {
    underWay ??= ask().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

async function askOne(
  client: Pick<StoreClient, "status">,
  { id, name, isLearner, clientUrls: [url] }: WireMember,
  tls: ClientTls | undefined,
): Promise<StoreMember> {
  const of = { id: id.toString(16), name, isLearner };
  if (url === undefined) return { ...of, unreachable: "it has not started yet" };
  try {
    const [status, fsync] = await Promise.all([
      client.status(url, { timeoutMs: bounds.answerWithinMs }),
      // Whose metrics are elsewhere, or for others, is asked for the rest all the same.
      readMetrics(url, tls).then(
        (text) => histogramOf(text, walFsync),
        () => undefined,
      ),
    ]);
    return { ...of, ...told(status), ...(fsync && { walFsync: fsync }) };
  } catch (error) {
    return { ...of, unreachable: error instanceof Error ? error.message : String(error) };
  }
}

const told = (status: StatusResponse) => ({
  isLeader: status.leader !== 0n && status.leader === status.header?.memberId,
  version: status.version,
  revision: status.header?.revision ?? 0,
  raftTerm: status.raftTerm,
  raftIndex: status.raftIndex,
  raftAppliedIndex: status.raftAppliedIndex,
  databaseBytes: status.dbSize,
  databaseBytesInUse: status.dbSizeInUse,
  databaseBytesMost: status.dbSizeQuota,
  errors: status.errors,
});

function readMetrics(url: string, tls: ClientTls | undefined): Promise<string> {
  const endpoint = parseEndpoint(url, tls !== undefined);
  const to = addressOf(endpoint);
  const where = "path" in to ? { socketPath: to.path } : to;
  const name = tls?.serverName ?? ("host" in to ? to.host : "localhost");
  const options = {
    ...where,
    path: "/metrics",
    agent: false,
    signal: AbortSignal.timeout(bounds.answerWithinMs),
    ...(endpoint.secure && {
      ca: tls?.ca,
      cert: tls?.certificate,
      key: tls?.key,
      servername: isIP(name) === 0 ? name : "",
      rejectUnauthorized: tls?.skipVerify !== true,
    }),
  };
  return new Promise((resolve, reject) => {
    const asked = (endpoint.secure ? requestTls : requestPlain)(options, (answer) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes > bounds.metricsBytesMost) asked.destroy(new Error("its metrics are too long"));
        else pieces.push(piece);
      });
      answer.once("error", reject);
      answer.once("end", () =>
        answer.statusCode === 200
          ? resolve(Buffer.concat(pieces).toString())
          : reject(new Error(`its metrics answer ${answer.statusCode}`)),
      );
    });
    asked.once("error", reject);
    asked.end();
  });
}
