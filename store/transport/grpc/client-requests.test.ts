import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { rangeRequest } from "../../../proto/etcd.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import { ManualClock } from "../../driver/fixtures/rig.ts";
import type { ConsensusStatus } from "../../driver/seams.ts";
import { LeaderGuard } from "../../rpc/leader-guard.ts";
import type { MemberParts } from "../../rpc/member.ts";
import { serviceTable } from "../../rpc/service-table.ts";
import { type Served, serve } from "../fixtures/serve.ts";

/** As etcd's interceptors count them: what is refused before they are reached is not counted, all else is. */
describe("etcd_server_client_requests_total", () => {
  const maxRequestBytes = 1_000;
  let isLearner: boolean;
  let meter: MetricsRegistry;
  let served: Served;
  let client: grpc.Client;

  beforeEach(async () => {
    isLearner = false;
    meter = new MetricsRegistry();
    const consensus = { status: { leader: 0n } as ConsensusStatus, onLeadership: () => () => undefined };
    const guard = new LeaderGuard({ electionTimeoutMs: 1_000 }, { consensus, clock: new ManualClock() });
    const parts = {
      members: { isLearner: () => isLearner },
      access: { isOn: false },
      metrics: { watchStreams: { count: 0 } },
    } as unknown as MemberParts;
    const { unary, streams } = serviceTable(parts, guard, { watchProgressMs: 1_000 });
    served = await serve({
      meter,
      maxRequestBytes,
      direct: Object.fromEntries(unary),
      streams: Object.fromEntries([...streams].map(([path, { handler }]) => [path, handler])),
    });
    client = new grpc.Client(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await served.stop();
  });

  const metadata = (given: Readonly<Record<string, string>>) => {
    const all = new grpc.Metadata();
    for (const [name, value] of Object.entries(given)) all.set(name, value);
    return all;
  };
  const same = (bytes: Buffer) => bytes;
  /** How a range ends. */
  const ask = (bytes: Uint8Array, given: Readonly<Record<string, string>> = {}) =>
    new Promise<string | undefined>((resolve) => {
      const { path } = methods.range;
      client.makeUnaryRequest(path, same, same, Buffer.from(bytes), metadata(given), (error) =>
        resolve(error?.details),
      );
    });
  const watch = (given: Readonly<Record<string, string>>) =>
    new Promise<string>((resolve) => {
      const stream = client.makeBidiStreamRequest(methods.watch.path, same, same, metadata(given));
      stream.on("error", (error: grpc.ServiceError) => resolve(error.details));
      stream.on("data", () => undefined);
    });
  const counted = async () => {
    const counts = (await meter.text()).matchAll(
      /^etcd_server_client_requests_total\{client_api_version="(.*)",type="(.*)"\} (\d+)$/gm,
    );
    return Object.fromEntries([...counts].map(([, version, type, count]) => [`${type} ${version}`, count]));
  };
  const hasLeader = { hasleader: "true", "client-api-version": "3.7" };
  const key = Buffer.from("k");

  it("counts what is refused for what it asks, and for the want of a leader", async () => {
    assert.equal(await ask(new Uint8Array(0)), "etcdserver: key is not provided");
    assert.equal(await ask(rangeRequest.encode({ key }), hasLeader), "etcdserver: no leader");
    assert.equal(await watch(hasLeader), "etcdserver: no leader");
    assert.deepEqual(await counted(), { "unary unknown": "1", "unary 3.7": "1", "stream 3.7": "1" });
  });

  it("does not count what cannot be read, is too large, or is not for a learner", async () => {
    assert.match((await ask(Buffer.from([0xff]), hasLeader)) ?? "", /error unmarshalling request/);
    const large = rangeRequest.encode({ key: Buffer.alloc(maxRequestBytes + 600_000) });
    assert.match((await ask(large, hasLeader)) ?? "", /larger than max/);
    isLearner = true;
    assert.match((await ask(rangeRequest.encode({ key }), hasLeader)) ?? "", /not supported for learner/);
    assert.match(await watch(hasLeader), /not supported for learner/);
    assert.deepEqual(await counted(), { "unary 3.7": "0", "stream 3.7": "0" });
  });
});
