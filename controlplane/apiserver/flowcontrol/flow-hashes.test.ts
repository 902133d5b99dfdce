import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { FlowHashes } from "./flow-hashes.ts";

describe("the hashes of flows", () => {
  it("are Kubernetes', the same whenever a flow comes, however many came between", () => {
    const hashes = new FlowHashes();
    const wanted = createHash("sha256").update("nodes\0system:node:a").digest().readBigUInt64LE(0);
    assert.equal(hashes.of("nodes", "system:node:a"), wanted);
    const others = Array.from({ length: 5000 }, (_, at) => hashes.of("nodes", `system:node:${at}`));
    assert.equal(new Set(others).size, others.length);
    assert.equal(hashes.of("nodes", "system:node:a"), wanted);
    assert.notEqual(hashes.of("node", "system:node:a"), wanted);
  });
});
