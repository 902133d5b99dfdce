import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { systemClock } from "./clock.ts";
import { join } from "./join.ts";

/** A client that takes what is written only when told to. */
function slowClient() {
  let take: () => void = () => undefined;
  let taken = "";
  const client = new Duplex({
    read: () => undefined,
    write(chunk, _encoding, done) {
      take = () => {
        taken += chunk;
        done();
      };
    },
  });
  return { client, take: () => take(), taken: () => taken };
}

describe("two joined connections", () => {
  it("close together, but not before a slow client has taken the last words", async () => {
    const { client, take, taken } = slowClient();
    const node = new PassThrough();
    const far = Duplex.from({ readable: node, writable: new PassThrough().resume() });
    const joined = new Promise<void>((resolve) => join(client, far, systemClock, resolve));
    node.end("last words");
    await once(far, "end");
    far.destroy();
    await once(far, "close");
    assert.equal(client.destroyed, false, "cut off before the last words were taken");
    take();
    await joined;
    assert.equal(taken(), "last words");
  });

  it("close together when the client goes", async () => {
    const { client } = slowClient();
    const far = new PassThrough();
    const joined = new Promise<void>((resolve) => join(client, far, systemClock, resolve));
    client.destroy();
    await joined;
    assert.equal(far.destroyed, true);
  });
});
