import assert from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { grpcStatus, StatusError } from "../../../base/grpc/status.ts";
import { frame, frameFlags, frameTypes } from "../../../base/http2/frames.ts";
import { call, isType, RawClient, request } from "../../../base/http2/testing/raw-client.ts";
import { propertyMs, runs } from "../../../test/fuzz/runs.ts";
import { type Served, serve } from "../fixtures/serve.ts";

const { DATA, HEADERS, RST_STREAM } = frameTypes;
const bytesMost = 600_000;
const same = (bytes: Buffer) => bytes;
type Status = ConstructorParameters<typeof StatusError>[0];
const statuses = Object.entries(grpcStatus).filter(([, code]) => code !== 0);

/** What a request asks of the service, in JSON. */
interface Asked {
  readonly kind: "echo" | "fail" | "never";
  readonly status?: string;
  readonly words?: string;
  readonly padding?: string;
}
const read = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Asked;
const codeOf = (status = "") => statuses.find(([name]) => name === status)?.[1] ?? 2;

function ours(): Promise<Served> {
  const answer = (bytes: Uint8Array) => {
    const { kind, status, words = "" } = read(bytes);
    if (kind === "fail") throw new StatusError(status as Status, words);
    return kind === "never" ? new Promise<Uint8Array>(() => undefined) : bytes;
  };
  return serve({
    maxRequestBytes: bytesMost - 512 * 1024,
    unary: { "/test.Test/Call": answer },
    streams: {
      "/test.Test/Stream": (out) => ({
        message: (bytes) => {
          const { kind, status, words = "" } = read(bytes);
          if (kind === "echo") out.send(bytes);
          if (kind === "fail") out.end(new StatusError(status as Status, words));
        },
        halfClose: () => out.end(),
        drained: () => undefined,
        closed: () => undefined,
      }),
    },
  });
}

async function theirs(): Promise<Served> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": bytesMost });
  const shape = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService(
    {
      Call: { path: "/test.Test/Call", requestStream: false, responseStream: false, ...shape },
      Stream: { path: "/test.Test/Stream", requestStream: true, responseStream: true, ...shape },
    },
    {
      Call: ({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        const { kind, status, words = "" } = read(request);
        if (kind === "echo") done(null, request);
        if (kind === "fail") done({ code: codeOf(status), details: words });
      },
      Stream: (stream: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        stream.on("error", () => undefined);
        stream.on("data", (bytes: Buffer) => {
          const { kind, status, words = "" } = read(bytes);
          if (kind === "echo") stream.write(bytes);
          if (kind === "fail") stream.emit("error", { code: codeOf(status), details: words });
        });
        stream.on("end", () => stream.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port, stop: async () => server.forceShutdown() } as Served;
}

/** What a client is told of a call. */
interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly answers: readonly string[];
  readonly trailers: readonly string[];
}

interface Call {
  readonly method: "Call" | "Stream" | "Absent";
  readonly messages: readonly Asked[];
  readonly metadata: readonly (readonly [name: string, value: string | Uint8Array])[];
  readonly deadlineMs: number | undefined;
  /** The client gives up after so many answers. */
  readonly cancelAfter: number | undefined;
}

function make(
  client: grpc.Client,
  { method, messages, metadata, deadlineMs, cancelAfter }: Call,
): Promise<Outcome> {
  const sent = new grpc.Metadata();
  for (const [name, value] of metadata)
    sent.add(name, typeof value === "string" ? value : Buffer.from(value));
  // A stream ends with its client's half.
  const never =
    method === "Call" && messages.some(({ kind }) => kind === "never") && cancelAfter === undefined;
  const deadline = deadlineMs ?? (never ? 30 : 60_000);
  const stream = client.makeBidiStreamRequest<Buffer, Buffer>(`/test.Test/${method}`, same, same, sent, {
    deadline: Date.now() + deadline,
  });
  const answers: string[] = [];
  return new Promise((resolve) => {
    const cancelAt = () => {
      if (answers.length === cancelAfter) stream.cancel();
    };
    stream.on("data", (bytes: Buffer) => {
      answers.push(bytes.toString());
      cancelAt();
    });
    stream.on("error", () => undefined);
    stream.on("status", ({ code, details, metadata: trailers }) => {
      const kept = Object.keys(trailers.getMap()).filter(
        (name) => !["date", "content-type", "grpc-accept-encoding"].includes(name),
      );
      resolve({ code, details, answers, trailers: kept.sort() });
    });
    for (const message of messages) stream.write(Buffer.from(JSON.stringify(message)));
    stream.end();
    cancelAt();
  });
}

const words = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom("100 %", " a ", "ä\n\t", "%41", "日本"),
);
const echo = fc.record({
  kind: fc.constant("echo" as const),
  padding: fc.oneof(
    words,
    fc.constantFrom(4_000, 20_000, 200_000).map((size) => "v".repeat(size)),
  ),
});
const fail = fc.record({
  kind: fc.constant("fail" as const),
  status: fc.constantFrom(...statuses.map(([name]) => name)),
  words,
});
const never = fc.constant({ kind: "never" as const });
const large = fc.constant({ kind: "echo" as const, padding: "v".repeat(bytesMost) });
const metadata = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("x-a", "x-b", "hasleader", "cookie"), fc.stringMatching(/^[!-~]{0,20}$/)),
    fc.tuple(fc.constantFrom("x-bin", "grpc-trace-bin", "y-bin"), fc.uint8Array({ maxLength: 40 })),
  ),
  { maxLength: 5 },
);
const base = { metadata, deadlineMs: fc.constant(undefined), cancelAfter: fc.constant(undefined) };
const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ ...base, method: fc.constant("Call" as const), messages: fc.tuple(fc.oneof(echo, fail)) }),
  fc.record({
    ...base,
    method: fc.constant("Stream" as const),
    messages: fc
      .tuple(fc.array(echo, { maxLength: 6 }), fc.array(fail, { maxLength: 1 }))
      .map((both) => both.flat()),
  }),
  fc.record({
    ...base,
    method: fc.constantFrom("Call" as const, "Stream" as const),
    messages: fc.tuple(never),
  }),
  fc.record({
    ...base,
    method: fc.constant("Stream" as const),
    messages: fc.tuple(echo, echo, echo),
    cancelAfter: fc.nat(2),
  }),
  fc.record({
    ...base,
    method: fc.constant("Call" as const),
    messages: fc.tuple(never),
    cancelAfter: fc.constant(0),
  }),
  fc.record({ ...base, method: fc.constant("Absent" as const), messages: fc.tuple(echo) }),
  fc.record({
    ...base,
    method: fc.constantFrom("Call" as const, "Stream" as const),
    messages: fc.tuple(large),
  }),
);

/** In whose words a refusal is told that no service made: ours are Go's. */
const ofTransport: readonly number[] = [
  grpc.status.UNIMPLEMENTED,
  grpc.status.RESOURCE_EXHAUSTED,
  grpc.status.DEADLINE_EXCEEDED,
];
const comparable = (one: Call, { details, ...outcome }: Outcome) => {
  const isService = one.messages.some(({ kind }) => kind === "fail");
  return {
    ...outcome,
    details: isService || (outcome.code !== 0 && !ofTransport.includes(outcome.code)) ? details : "",
  };
};

describe("the store's gRPC beside grpc-js's", () => {
  let sides: readonly Served[];
  before(async () => {
    sides = [await ours(), await theirs()];
  });
  after(async () => {
    for (const side of sides) await side.stop();
  });

  for (const compression of [0, 2])
    it(`tells a client the same of every call${compression === 2 ? ", with gzip" : ""}`, async () => {
      const clients = sides.map(
        ({ port }) =>
          new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
            "grpc.default_compression_algorithm": compression,
            "grpc.max_send_message_length": -1,
          }),
      );
      await fc.assert(
        fc.asyncProperty(anyCall, async (one) => {
          // In gzip nothing here is too large on the way, and what unfolds beyond the limit is refused alike.
          const [our, their] = await Promise.all(clients.map((client) => make(client, one)));
          assert.ok(our && their);
          assert.deepEqual(comparable(one, our), comparable(one, their));
        }),
        runs(120),
      );
      for (const client of clients) client.close();
    }).timeout(propertyMs);

  const message = (flag: number, length: number, bytes: number) => {
    const data = Buffer.alloc(5 + bytes, 0x7b);
    data[0] = flag;
    data.writeUInt32BE(length, 1);
    return data;
  };
  const whole = Buffer.concat([Buffer.from([0, 0, 0, 0, 15]), Buffer.from('{"kind":"echo"}')]);
  const head = call("/test.Test/Call");
  const odd: Readonly<
    Record<string, readonly [headers: Readonly<Record<string, string>>, body: Uint8Array]>
  > = {
    "a whole message": [head, whole],
    "+proto in its type": [{ ...head, "content-type": "application/grpc+proto" }, whole],
    "a type with a parameter": [{ ...head, "content-type": "application/grpc;a=b" }, whole],
    "no message": [head, Buffer.alloc(0)],
    "two messages": [head, Buffer.concat([whole, whole])],
    "a message cut off": [head, message(0, 9, 3)],
    "a prefix cut off": [head, Buffer.from([0, 0, 0])],
    "a message above the limit": [head, message(0, 0x7fffffff, 3)],
    "a compressed message without an encoding": [head, message(1, 3, 3)],
    "a compressed message that is none": [{ ...head, "grpc-encoding": "gzip" }, message(1, 3, 3)],
    "an encoding that nobody knows": [{ ...head, "grpc-encoding": "snappy" }, whole],
    "an encoding that is not used": [{ ...head, "grpc-encoding": "gzip" }, whole],
    "a timeout without a unit": [{ ...head, "grpc-timeout": "5" }, whole],
    "a timeout of nine digits": [{ ...head, "grpc-timeout": "123456789m" }, whole],
    ...Object.fromEntries(
      ["H", "M", "S"].map((unit) => [
        `a timeout in ${unit}`,
        [{ ...head, "grpc-timeout": `9${unit}` }, whole],
      ]),
    ),
    "no te": [Object.fromEntries(Object.entries(head).filter(([name]) => name !== "te")), whole],
  };
  /** Where ours follows gRPC's library for Go, as etcd does: our status, and grpc-js's. */
  const asInGo: Readonly<Record<string, readonly [ours: string, theirs: string]>> = {
    "no message": ["13", "12"],
    "two messages": ["13", "12"],
    "a message cut off": ["13", "12"],
    "a prefix cut off": ["13", "12"],
    "a compressed message without an encoding": ["13", "2"],
    "an encoding that nobody knows": ["12", "0"],
    "a timeout of nine digits": ["13", "0"],
  };
  /** `:status`, grpc-status, and how many octets of answer. */
  const outcomeOf = async (port: number, headers: Readonly<Record<string, string>>, body: Uint8Array) => {
    const client = new RawClient(port);
    client.begin();
    client.send(request(1, headers, { end: false }), frame(DATA, frameFlags.END_STREAM, 1, body));
    const said: Record<string, string> = {};
    for (;;) {
      const seen = await client.next(
        ({ type, streamId }) => streamId === 1 && (type === HEADERS || type === RST_STREAM),
      );
      if (seen.type === RST_STREAM) said.reset = String(seen.payload.readUInt32BE(0));
      else Object.assign(said, client.headersOf(seen));
      if (seen.type === RST_STREAM || (seen.flags & frameFlags.END_STREAM) !== 0) break;
    }
    const bytes = client.frames.filter(isType(DATA, 1)).reduce((sum, { payload }) => sum + payload.length, 0);
    client.socket.destroy();
    return { status: said[":status"], grpc: said["grpc-status"], reset: said.reset, bytes };
  };
  for (const [what, [headers, body]] of Object.entries(odd))
    it(`has the same status, or Go's, for a request with ${what}`, async () => {
      const [our, their] = await Promise.all(sides.map(({ port }) => outcomeOf(port, headers, body)));
      const differs = asInGo[what];
      if (differs === undefined) assert.deepEqual(our, their);
      else assert.deepEqual([our?.grpc, their?.grpc], differs);
    });
});
