import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { methods } from "../../proto/etcd-methods.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import { CallError } from "./call-error.ts";
import { parseEndpoint } from "./endpoints.ts";
import { LoginTransport } from "./login-transport.ts";
import type { ClientTransport } from "./transport.ts";

const [silent, answering] = [parseEndpoint("silent:1"), parseEndpoint("answering:1")];
const nothing = new Uint8Array(0);

describe("a client that logs in", () => {
  let clock: ManualClock;
  let asked: string[];
  let transport: LoginTransport;
  beforeEach(() => {
    clock = new ManualClock();
    asked = [];
    const inner: Pick<ClientTransport, "unary" | "close"> = {
      unary: async ({ url }, path, _, { token, timeoutMs }) => {
        asked.push(`${url} ${path === methods.authenticate.path ? "login" : `call ${token} ${timeoutMs}`}`);
        if (url === silent.url) await new Promise(() => undefined);
        const response = { token: "t1", header: undefined };
        return path === methods.authenticate.path ? methods.authenticate.response.encode(response) : nothing;
      },
      close: () => undefined,
    };
    transport = new LoginTransport(
      inner as ClientTransport,
      { name: "ann", password: "correct horse" },
      clock,
    );
  });
  const ask = (endpoint = silent, more: { connectWithinMs?: number; signal?: AbortSignal } = {}) =>
    transport.unary(endpoint, "/a/b", nothing, { timeoutMs: 1_000, requireLeader: false, ...more });

  it("waits for the login no longer than for the answer, and says that nothing was sent", async () => {
    const call = ask();
    clock.jump(1_000);
    await rejects(call, { status: "DEADLINE_EXCEEDED", sent: false });
  });

  it("leaves a member that does not let it in when its share of the time is over, and logs in at the next", async () => {
    const call = ask(silent, { connectWithinMs: 400 });
    clock.jump(400);
    await rejects(call, { status: "UNAVAILABLE", sent: false });
    await ask(answering);
    await ask(answering);
    deepStrictEqual(asked, [
      "silent:1 login",
      "answering:1 login",
      "answering:1 call t1 1000",
      "answering:1 call t1 1000",
    ]);
  });

  it("is given up with its signal", async () => {
    const end = new AbortController();
    const call = ask(silent, { signal: end.signal });
    end.abort(new Error("no more"));
    await rejects(call, /no more/);
  });

  it("has no more time for the call than what the login left", async () => {
    const inner = { close: () => undefined } as unknown as ClientTransport;
    const times: number[] = [];
    inner.unary = async (_, path, __, { timeoutMs }) => {
      if (path === methods.authenticate.path) clock.jump(300);
      else times.push(timeoutMs);
      return path === methods.authenticate.path
        ? methods.authenticate.response.encode({ token: "t1", header: undefined })
        : nothing;
    };
    transport = new LoginTransport(inner, { name: "ann", password: "correct horse" }, clock);
    await ask(answering);
    deepStrictEqual(times, [700]);
  });

  it("says that the call was not sent where the login fails, whatever became of that", async () => {
    const refusal = new CallError("UNKNOWN", "the connection broke");
    const inner = { unary: () => Promise.reject(refusal), close: () => undefined };
    transport = new LoginTransport(
      inner as unknown as ClientTransport,
      { name: "ann", password: "x" },
      clock,
    );
    const error = await ask().then(
      () => undefined,
      (reason: CallError) => reason,
    );
    strictEqual(error?.sent, false);
  });
});
