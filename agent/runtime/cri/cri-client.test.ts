import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { systemClock } from "../../../base/os/clock.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { isGone, isLate, isUnknownCall, openRuntimeClient, type RuntimeClient } from "./cri-client.ts";
import { containerEventResponse, versionResponse } from "./messages.ts";

const os = { clock: systemClock, random: systemRandom };
const same = (bytes: Buffer) => bytes;
const method = (name: string, responseStream = false) => ({
  path: `/runtime.v1.RuntimeService/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
type Answer = grpc.sendUnaryData<Buffer>;

describe("the client of container runtimes", () => {
  let dir: string;
  let server: grpc.Server;
  let client: RuntimeClient;
  let events: grpc.ServerWritableStream<Buffer, Buffer> | undefined;
  let answer: (to: Answer) => void = () => undefined;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "pintle-cri-"));
    const socket = join(dir, "s");
    server = new grpc.Server({ "grpc.max_send_message_length": -1 });
    server.addService(
      { version: method("Version"), events: method("GetContainerEvents", true) },
      {
        version: (_: unknown, to: Answer) => answer(to),
        events: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
          events = call;
          call.write(Buffer.from(containerEventResponse.encode({ containerId: "first" })));
        },
      },
    );
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
    client = openRuntimeClient(socket, os);
  });
  after(async () => {
    client.close();
    server.forceShutdown();
    await rm(dir, { recursive: true });
  });
  const failed = (options: { timeoutMs?: number } = {}) =>
    client.ask("Version", {}, options).then(
      () => assert.fail("it succeeded"),
      (error: unknown) => error as Error,
    );

  it("reads what is answered, and what is refused", async () => {
    answer = (to) => to(null, Buffer.from(versionResponse.encode({ runtimeName: "r" })));
    assert.equal((await client.ask("Version", {})).runtimeName, "r");
    answer = (to) => to({ code: grpc.status.NOT_FOUND, details: "no such thing" } as grpc.ServiceError);
    const gone = await failed();
    assert.deepEqual([gone.message, isGone(gone)], ["no such thing (NOT_FOUND)", true]);
    const unknown = await client.ask("Status", {}).catch((error: unknown) => error);
    assert.ok(isUnknownCall(unknown));
  });

  it("is not led astray by answers that are none, too long or never come", async () => {
    answer = (to) => to(null, Buffer.from([0xff, 0xff, 0xff]));
    assert.match((await failed()).message, /the answer of the container runtime to Version cannot be read/);
    answer = (to) => to(null, Buffer.alloc(17 << 20));
    assert.match((await failed()).message, /larger than max .*RESOURCE_EXHAUSTED/);
    answer = (to) => to({ code: grpc.status.UNKNOWN, details: "x".repeat(7_000) } as grpc.ServiceError);
    assert.equal((await failed()).message.length, 4096);
    answer = () => undefined;
    assert.ok(isLate(await failed({ timeoutMs: 50 })));
  });

  it("says which runtime cannot be reached", async () => {
    const nobody = openRuntimeClient(join(dir, "nobody"), os);
    const error = await nobody.ask("Version", {}).catch((one: unknown) => one);
    assert.match(String(error), /the container runtime at .*nobody cannot be reached: .*ENOENT/);
    nobody.close();
  });

  it("follows events until the runtime ends them or nobody wants more", async () => {
    const heard: string[] = [];
    let onHeard: () => void = () => undefined;
    const follow = (signal: AbortSignal) =>
      client.followEvents((id) => {
        heard.push(id);
        onHeard();
      }, signal);
    const abort = new AbortController();
    const first = new Promise<void>((resolve) => {
      onHeard = resolve;
    });
    const following = follow(abort.signal);
    await first;
    abort.abort();
    assert.equal(await following, undefined);
    const second = new Promise<void>((resolve) => {
      onHeard = resolve;
    });
    const again = follow(new AbortController().signal);
    await second;
    events?.write(Buffer.from([0xff]));
    assert.match((await again)?.message ?? "", /INTERNAL/);
    assert.deepEqual(heard, ["first", "first"]);
  });
});
