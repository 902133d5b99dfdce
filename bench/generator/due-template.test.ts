import assert from "node:assert/strict";
import { leaseGrantRequest } from "../../proto/etcd.ts";
import { DueTemplate } from "./due-template.ts";
import { leaseIdOf } from "./lease-template.ts";

describe("the template of grants that are due together", () => {
  let nowMs = 0;
  const template = new DueTemplate(120_000, () => nowMs);
  const grantAt = (ms: number, n: number) => {
    nowMs = ms;
    const into = Buffer.concat([Buffer.alloc(3), template.bytes]);
    template.patch(into, 3, n);
    assert.equal(into.readUInt32BE(4), into.length - 8);
    return leaseGrantRequest.decode(into.subarray(8));
  };

  it("asks for the whole seconds that are left, never for fewer", () => {
    assert.deepEqual(grantAt(0, 0), { id: leaseIdOf(0), ttl: 120 });
    assert.deepEqual(grantAt(1, 7), { id: leaseIdOf(7), ttl: 120 });
    assert.deepEqual(grantAt(1000, 30_000_000), { id: leaseIdOf(30_000_000), ttl: 119 });
    assert.equal(grantAt(119_999, 1).ttl, 1);
  });

  it("refuses what is due already, or too far ahead", () => {
    assert.throws(() => grantAt(120_000, 0), /a lease for 0 s/);
    assert.throws(() => grantAt(-8000, 0), /a lease for 128 s/);
  });
});
