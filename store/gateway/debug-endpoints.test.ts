import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { profileMessage } from "../../base/pprof.ts";
import type { RunningStore } from "../compose.ts";
import { startAlone } from "../testing/start-alone.ts";

/** Uses the processor under a name of its own. */
function burnTheProcessor(forMs: number): number {
  let sum = 0;
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs; ) sum += Math.sqrt(sum + 1);
  return sum;
}

interface RaftVars {
  readonly id: string;
  readonly lead: string;
  readonly raftState: string;
  readonly progress: Readonly<Record<string, { readonly state: string }>>;
  readonly leadtransferee: string;
}

describe("a member's endpoints for those who look into it", function () {
  this.timeout(60_000);
  let store: RunningStore;
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-debug-"));
    store = await startAlone(dataDir, "--enable-pprof", "--listen-metrics-urls=http://127.0.0.1:0");
  });
  after(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true });
  });

  const get = (path: string, method = "GET") =>
    fetch(`http://127.0.0.1:${store.clientPorts[0]}${path}`, { method, redirect: "manual" });
  const profileOf = async (path: string) => {
    const answer = await get(path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/octet-stream");
    return profileMessage.decode(gunzipSync(Buffer.from(await answer.arrayBuffer())));
  };

  it("tell what etcd publishes as variables", async () => {
    const answer = await get("/debug/vars");
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    const vars = (await answer.json()) as { readonly "raft.status": RaftVars };
    assert.deepEqual(Object.keys(vars), ["cmdline", "file_descriptor_limit", "memstats", "raft.status"]);
    const { id, lead, raftState, progress, leadtransferee } = vars["raft.status"];
    assert.equal(id, store.member.identity.memberId.toString(16));
    assert.equal(lead, id);
    assert.equal(raftState, "StateLeader");
    assert.equal(progress[id]?.state, "StateReplicate");
    assert.equal(leadtransferee, "0");
    assert.equal((await get("/debug/vars", "POST")).status, 405);
  });

  it("profile the processor", async () => {
    const profiling = profileOf("/debug/pprof/profile?seconds=1");
    const busy = setInterval(() => burnTheProcessor(20), 25);
    const profile = await profiling.finally(() => clearInterval(busy));
    const names = profile.function.map(({ name }) => profile.stringTable[name]);
    assert.ok(names.includes("burnTheProcessor"));
    assert.ok(!names.includes("(idle)"));
    const types = profile.sampleType.map(({ type }) => profile.stringTable[type]);
    assert.deepEqual(types, ["samples", "cpu"]);
  });

  it("profile the processor for one at a time", async () => {
    const leaving = new AbortController();
    const url = `http://127.0.0.1:${store.clientPorts[0]}/debug/pprof/profile`;
    const first = fetch(url, { signal: leaving.signal }).then(
      () => "answered",
      () => "left",
    );
    let status = 0;
    while (status !== 500) status = (await get("/debug/pprof/profile?seconds=1")).status;
    leaving.abort();
    assert.equal(await first, "left");
    while ((await get("/debug/pprof/profile?seconds=1")).status !== 200); // it is free again, long before its time
  });

  it("tell what is on the heap", async () => {
    const kept = Array.from({ length: 200_000 }, (_, at) => ({ at }));
    const profile = await profileOf("/debug/pprof/heap?gc=1");
    assert.equal(kept.length, 200_000);
    assert.deepEqual(
      profile.sampleType.map(({ type, unit }) => [profile.stringTable[type], profile.stringTable[unit]]),
      [["inuse_space", "bytes"]],
    );
    assert.ok(profile.sample.length > 0);
  });

  it("refuse by name what V8 has not", async () => {
    for (const name of ["goroutine", "block", "mutex", "threadcreate", "trace", "allocs", "symbol"]) {
      const answer = await get(`/debug/pprof/${name}`);
      assert.equal(answer.status, 501);
      assert.match(await answer.text(), new RegExp(`^${name} is not to be had: `));
    }
    assert.equal((await get("/debug/pprof/nonsense")).status, 404);
    assert.equal((await get("/debug/pprof")).headers.get("location"), "/debug/pprof/");
    assert.match(await (await get("/debug/pprof/")).text(), /profile/);
  });
});
