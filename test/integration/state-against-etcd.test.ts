import assert from "node:assert/strict";
import { promisify } from "node:util";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { Prng } from "../../base/os/random.ts";
import type { Message } from "../../base/protobuf.ts";
import {
  compactionRequest,
  compactionResponse,
  deleteRangeRequest,
  deleteRangeResponse,
  type InternalRaftRequest,
  internalRaftRequest,
  leaseGrantRequest,
  leaseGrantResponse,
  leaseRevokeRequest,
  leaseRevokeResponse,
  putRequest,
  putResponse,
  rangeRequest,
  rangeResponse,
  txnRequest,
  txnResponse,
} from "../../proto/etcd.ts";
import { hashKvRequest, hashKvResponse } from "../../proto/etcd-maintenance.ts";
import { openState, type State } from "../../store/apply/state.ts";
import type { ApplyResult } from "../../store/apply/types.ts";
import { backendDefaults } from "../../store/backend/layered-backend.ts";
import { MemoryHome } from "../../store/backend/memory-home.ts";
import { RandomRequests } from "../model/random-requests.ts";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

interface Method {
  readonly path: string;
  readonly request: Message<object>;
  readonly response: Message<object>;
}
const method = (path: string, request: object, response: object): Method => ({
  path: `/etcdserverpb.${path}`,
  request: request as Message<object>,
  response: response as Message<object>,
});
const methods: Partial<Record<keyof InternalRaftRequest, Method>> = {
  put: method("KV/Put", putRequest, putResponse),
  range: method("KV/Range", rangeRequest, rangeResponse),
  deleteRange: method("KV/DeleteRange", deleteRangeRequest, deleteRangeResponse),
  txn: method("KV/Txn", txnRequest, txnResponse),
  compaction: method("KV/Compact", compactionRequest, compactionResponse),
  leaseGrant: method("Lease/LeaseGrant", leaseGrantRequest, leaseGrantResponse),
  leaseRevoke: method("Lease/LeaseRevoke", leaseRevokeRequest, leaseRevokeResponse),
};

const describeWithEtcd = etcdMissing ? describe.skip : describe;

describeWithEtcd("the state against Debian's etcd", () => {
  let etcd: StoreProcesses;
  let client: Client;
  before(async () => {
    etcd = await startStoreProcesses(1);
    client = new Client((etcd.endpoints[0] ?? "").replace("http://", ""), credentials.createInsecure());
  });
  after(async () => {
    client?.close();
    await etcd?.stop();
  });

  const call = (path: string, bytes: Uint8Array): Promise<Uint8Array> =>
    promisify((done: (error: ServiceError | null, answer?: Uint8Array) => void) => {
      const same = (buffer: Uint8Array) => Buffer.from(buffer);
      client.makeUnaryRequest(path, same, same, bytes, done);
    })().then((answer) => answer ?? new Uint8Array(0));

  /** etcd's answer without what only a whole member knows, or the text of its error. */
  async function askEtcd(kind: keyof InternalRaftRequest, body: object): Promise<unknown> {
    const { path, request, response } = methods[kind] ?? assert.fail(`no method for ${kind}`);
    try {
      return plain(response.decode(await call(path, request.encode(body))), response);
    } catch (error) {
      assert.ok(error instanceof Error && "details" in error);
      return error.details;
    }
  }

  it("answers some hundred random requests alike, and comes to the same hash", async () => {
    const random = new Prng(5);
    const requests = new RandomRequests(random);
    const results: ApplyResult[] = [];
    const state = await openMemoryState((result) => results.push(result));
    for (let index = 1; index <= 600; index++) {
      requests.revision = state.mvcc.revision;
      const request = requests.next();
      const [kind, body] =
        Object.entries(request).find(([name, value]) => name !== "header" && value !== undefined) ??
        assert.fail();
      // etcd makes up an id when none is given; a member of ours does so before the log.
      if (kind === "leaseGrant" && request.leaseGrant?.id === 0n) request.leaseGrant.id = 9n + BigInt(index);
      state.apply([{ term: 1, index, type: "normal", data: internalRaftRequest.encode(request) }]);
      const result = results.at(-1) ?? assert.fail("no result");
      const known = methods[kind as keyof InternalRaftRequest] ?? assert.fail(kind);
      const ours = result.ok
        ? plain(
            known.response.decode(
              known.response.encode({ ...result.response, header: { revision: result.revision } }),
            ),
            known.response,
          )
        : result.error.message;
      const theirs = await askEtcd(kind as keyof InternalRaftRequest, body as object);
      // Debian's version looks at all puts of a transaction before it looks at ranges: it may tell another of two faults.
      if (kind === "txn" && typeof ours === "string" && typeof theirs === "string") continue;
      assert.deepEqual(ours, theirs, `request ${index}: ${kind}`);
    }
    const theirs = hashKvResponse.decode(
      await call("/etcdserverpb.Maintenance/HashKV", hashKvRequest.encode({})),
    );
    const { hash, compactRevision } = await state.hashKv(0);
    assert.deepEqual(
      { hash, compactRevision },
      { hash: theirs.hash, compactRevision: theirs.compactRevision },
    );
    await state.close();
  });
});

/** With the header cut down to the revision. */
function plain(answer: object, response: Message<object>): object {
  const header = "header" in answer ? (answer.header as { revision?: number } | undefined) : undefined;
  return response.decode(response.encode({ ...answer, header: { revision: header?.revision ?? 0 } }));
}

function openMemoryState(onResult: (result: ApplyResult) => void): Promise<State> {
  const failLoudly = (error: Error) => {
    throw error;
  };
  return openState(
    { dataDir: "/nowhere", quotaBytes: 0, electionMs: 1_000 },
    {
      clock: systemClock,
      disk: systemDisk,
      meter: new MetricsRegistry(),
      membership: {
        check: () => undefined,
        restore: () => undefined,
        applyConfChange: () => ({ voters: [1n], learners: [] }),
        setAttributes: () => undefined,
        setClusterVersion: () => undefined,
        setDowngrade: () => undefined,
      },
      onApplied: (_, result) => onResult(result),
      onNoSpace: () => undefined,
      onFailure: failLoudly,
      home: new MemoryHome(backendDefaults, { onFailure: failLoudly }),
    },
  );
}
