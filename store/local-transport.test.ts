import assert from "node:assert/strict";
import { ManualClock } from "../client/testing/manual-clock.ts";
import type { CallError } from "./client/call-error.ts";
import type { Endpoint } from "./client/endpoints.ts";
import { LocalTransport } from "./local-transport.ts";
import type { Call, UnaryHandler } from "./rpc/handler.ts";

const here: Endpoint = { url: "", address: "", secure: false };

describe("calls to a member in the same thread", () => {
  let clock: ManualClock;
  let begun: Call[];
  beforeEach(() => {
    clock = new ManualClock();
    begun = [];
  });
  const transport = () => {
    const unary = new Map<string, UnaryHandler>([
      ["/never", (_request, call) => void begun.push(call)],
      ["/echo", (request, _call, out) => out.succeed(request)],
    ]);
    const member = { ready: Promise.resolve(), done: new Promise<void>(() => undefined) };
    return new LocalTransport({ handlers: { unary, streams: new Map() }, ...member }, clock);
  };
  const ask = (to: LocalTransport, signal?: AbortSignal) =>
    to.unary(here, "/never", Buffer.alloc(0), { timeoutMs: 1_000, requireLeader: true, signal }).then(
      () => assert.fail(),
      (error: CallError) => error,
    );

  it("end with their deadline, and tell who works on them", async () => {
    const late = ask(transport());
    await clock.advance(999);
    const [call] = begun;
    assert.deepEqual([begun.length, call?.requireLeader, call?.signal?.aborted], [1, true, false]);
    await clock.advance(30);
    const { status, sent } = await late;
    assert.deepEqual([status, sent, call?.signal?.aborted], ["DEADLINE_EXCEEDED", true, true]);
  });

  it("end with their client's signal, and tell who works on them", async () => {
    const abort = new AbortController();
    const unwanted = ask(transport(), abort.signal);
    await clock.advance(1);
    abort.abort(new Error("enough"));
    assert.equal((await unwanted).message, "enough");
    assert.equal(begun[0]?.signal?.aborted, true);
  });

  it("end with their client", async () => {
    const to = transport();
    const lost = ask(to);
    await clock.advance(1);
    to.close();
    const { status, sent } = await lost;
    assert.deepEqual([status, sent], ["UNAVAILABLE", true]);
  });

  it("end at once where the member ended before it served anybody, as streams do", async () => {
    const never = new Promise<void>(() => undefined);
    let end: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    const handlers = { unary: new Map(), streams: new Map() };
    const to = new LocalTransport({ handlers, ready: never, done }, clock);
    const before = ask(to);
    await clock.advance(1);
    end();
    const errors: (CallError | undefined)[] = [await before];
    void ask(to).then((error) => errors.push(error));
    to.stream(
      here,
      "/watch",
      { requireLeader: true },
      { message: () => assert.fail(), end: (error) => errors.push(error) },
    );
    await clock.advance(5_000);
    assert.deepEqual(
      errors.map((error) => [error?.status, error?.sent]),
      Array(3).fill(["UNAVAILABLE", false]),
    );
  });

  it("hear of each that is answered or fails, once, by its number", async () => {
    const to = transport();
    await clock.advance(1);
    const told: unknown[] = [];
    const owner = {
      succeeded: (number: number, answer: Uint8Array) => void told.push([number, answer.length]),
      failed: (number: number, { status }: CallError) => void told.push([number, status]),
    };
    const settings = { timeoutMs: 1_000, requireLeader: false, traceparent: undefined };
    const call = (number: number, path: string) =>
      to.call({ owner, number }, { path, request: Buffer.alloc(number) }, settings);
    const calls = [call(1, "/echo"), call(2, "/no"), call(3, "/never"), call(4, "/never")];
    assert.deepEqual(
      calls.map(({ isOver }) => isOver),
      [true, true, false, false],
    );
    calls[2]?.giveUp();
    await clock.advance(2_000);
    assert.deepEqual(told, [
      [1, 1],
      [2, "UNIMPLEMENTED"],
      [4, "DEADLINE_EXCEEDED"],
    ]);
  });
});
