import assert from "node:assert/strict";
import { type ErrorCode, errorCodes, frame, frameTypes } from "../frames.ts";
import { get, isType, request } from "./raw-client.ts";
import { ServerByHand } from "./server-by-hand.ts";

/** What a client sends after its preface, and the code that the server has for it. */
export type Breach = readonly [code: ErrorCode, ...frames: Uint8Array[]];

/** A test by each title: the server ends the connection with this code, and takes nothing that came behind. */
export function connectionErrors(breaches: Readonly<Record<string, Breach>>): void {
  for (const [title, [code, ...frames]] of Object.entries(breaches))
    it(title, async () => {
      const { client, requests, ...by } = serverByHand();
      client.begin();
      client.send(...frames, request(99, get), frame(frameTypes.PING, 0, 0, Buffer.alloc(8)));
      assert.equal(nameOf((await by.goneAway()).code), nameOf(code));
      assert.equal(
        requests.find(({ stream }) => stream.id === 99),
        undefined,
      );
      assert.equal(client.frames.find(isType(frameTypes.PING)), undefined);
    });
}

/** A test by each title: the server ends stream 1 with this code, and serves the next request of the connection. */
export function streamErrors(breaches: Readonly<Record<string, Breach>>): void {
  for (const [title, [code, ...frames]] of Object.entries(breaches))
    it(title, async () => {
      const { client, ...by } = serverByHand();
      client.begin();
      client.send(...frames, request(99, get));
      assert.equal(nameOf(await by.resetCode(1)), nameOf(code));
      await client.next(isType(frameTypes.HEADERS, 99));
      const rest = await by.settled();
      assert.deepEqual(rest.filter(isType(frameTypes.RST_STREAM, 1)), []);
      assert.deepEqual(rest.filter(isType(frameTypes.GOAWAY)), []);
      await by.stop();
    });
}

function serverByHand() {
  const by = new ServerByHand();
  return {
    client: by.client,
    requests: by.requests,
    goneAway: () => by.goneAway(),
    resetCode: (streamId: number) => by.resetCode(streamId),
    settled: () => by.settled(),
    stop: () => by.stop(),
  };
}

const nameOf = (code: number) =>
  Object.entries(errorCodes).find(([, known]) => known === code)?.[0] ?? String(code);
