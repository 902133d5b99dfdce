import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { utf8 } from "../../../base/wire.ts";
import { compactionRequest } from "../../../proto/etcd.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { compact } from "../kv/compact.ts";
import { defragment } from "./defragment.ts";

describe("store/rpc: Defragment", () => {
  it("gives back at its first run what a physical compaction dropped", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "pintle-defragment-"));
    const { member, stop } = await startAlone(dataDir);
    const { parts, proposer, state } = member;
    for (let round = 0; round < 100; round++)
      await proposer.propose("put", { key: utf8("k"), value: randomBytes(50_000) });
    assert.ok(state.reader.sizeBytes > 4_000_000, `${state.reader.sizeBytes} bytes`);
    const { revision } = state.reader;
    const request = { revision, physical: true };
    await compact(request, compactionRequest.encode(request), {
      parts,
      call: { requireLeader: false },
    });
    assert.deepEqual(await defragment(parts), {});
    assert.ok(state.reader.sizeBytes < 200_000, `${state.reader.sizeBytes} bytes`);
    await stop();
    await rm(dataDir, { recursive: true, force: true });
  });
});
