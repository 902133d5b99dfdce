import assert from "node:assert/strict";
import { putRequest } from "../../proto/etcd.ts";
import { MarkedTimes, markedValue, TimedTemplate } from "./marked-times.ts";
import { RequestTemplate } from "./request-template.ts";

describe("times in values", () => {
  it("are found, however the stream is cut, each stream for itself", () => {
    const template = new TimedTemplate(
      new RequestTemplate((key) => putRequest.encode({ key, value: markedValue(100) })),
    );
    const before = performance.now();
    const requests = [0, 1, 2].map((n) => {
      const request = Buffer.from(template.bytes);
      template.patch(request, 0, n);
      return request;
    });
    const bytes = Buffer.concat([...requests, Buffer.from("behind")]);
    for (const size of [1, 10, 101, bytes.length]) {
      const times = new MarkedTimes(2);
      const found: number[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        times.read(1, bytes, at, Math.min(bytes.length, at + size), (sentMs) => found.push(sentMs));
        times.read(0, bytes, 0, 3, () => assert.fail("of another stream"));
      }
      assert.equal(found.length, 3, `pieces of ${size} bytes`);
      for (const sentMs of found) assert.ok(sentMs >= before && sentMs <= performance.now());
    }
  });

  it("are found in messages whose length changes from one to the next", () => {
    const value = markedValue(100);
    const times = new MarkedTimes(1);
    let sent = 0;
    const found: number[] = [];
    for (let round = 0; round < 50; round++) {
      const pieces = Array.from({ length: 1 + (round % 4) }, (_, at) => {
        const one = Buffer.concat([Buffer.alloc((round * 3 + at) % 7), value]);
        one.writeDoubleLE(++sent, one.length - 8);
        return one;
      });
      const bytes = Buffer.concat([Buffer.alloc(9), ...pieces, Buffer.alloc(round % 3)]);
      times.read(0, bytes, 9, bytes.length, (sentMs) => found.push(sentMs));
    }
    assert.deepEqual(
      found,
      Array.from({ length: sent }, (_, at) => at + 1),
    );
  });
});
