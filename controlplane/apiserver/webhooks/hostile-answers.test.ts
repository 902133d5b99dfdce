import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { RemoteJson } from "../authentication/remote-json.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { configMap, configMaps } from "../testing-objects.ts";
import { HookClients } from "./hook-client.ts";
import { configure, patchOf, reviewAnswer, startTestHook, type TestHook } from "./testing.ts";

/** What a server says that means no good, to whoever asks it over HTTPS. */
interface Hostile {
  /** Pieces of its answer, one after the other, for as long as somebody reads. */
  readonly pieces: () => Iterable<string | Buffer>;
  /** Only time ends it. */
  readonly isSlow?: true;
  readonly why: RegExp;
}

const head = (...lines: readonly string[]) => `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n`;
function* endless(first: string, piece: string | Buffer): Iterable<string | Buffer> {
  yield first;
  for (;;) yield piece;
}
const mebibyte = Buffer.alloc(1024 * 1024, "x");
const chunked = "Transfer-Encoding: chunked";

const hostile: Readonly<Record<string, Hostile>> = {
  "a body of a terabyte": {
    pieces: () => endless(head("Content-Length: 1099511627776"), mebibyte),
    why: /the answer is longer than \d+ bytes/,
  },
  "a body in chunks without an end": {
    pieces: () =>
      endless(head(chunked), Buffer.concat([Buffer.from("100000\r\n"), mebibyte, Buffer.from("\r\n")])),
    why: /the answer is longer than \d+ bytes/,
  },
  "a body that ends with its connection, which it does not": {
    pieces: () => endless(head("Connection: close"), mebibyte),
    why: /the answer is longer than \d+ bytes/,
  },
  "headers without an end": {
    pieces: () => endless("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n"),
    why: /Header overflow/i,
  },
  "one header without an end": {
    pieces: () => endless("HTTP/1.1 200 OK\r\nx-long: ", "x".repeat(1024)),
    why: /Header overflow/i,
  },
  "extensions of a chunk without an end": {
    pieces: () => endless(`${head(chunked)}1`, ";a=b".repeat(256)),
    why: /Chunk extensions overflow/i,
  },
  "trailers without an end": {
    pieces: () => endless(`${head(chunked)}0\r\n`, "x-more: and more\r\n"),
    why: /Header overflow/i,
  },
  "something that is no HTTP": {
    pieces: () => endless("SSH-2.0-OpenSSH_9.2\r\n", "\0"),
    why: /Parse Error|malformed/i,
  },
  "two lengths": {
    pieces: () => [`${head("Content-Length: 2", "Content-Length: 3")}{}x`],
    why: /Parse Error|Content-Length/i,
  },
  "a body byte by byte": {
    pieces: () => endless(head("Content-Length: 1000000"), "x"),
    isSlow: true,
    why: /./,
  },
  "heads of answers that are still to come": {
    pieces: () => endless("", "HTTP/1.1 102 Processing\r\n\r\n"),
    isSlow: true,
    why: /./,
  },
  nothing: { pieces: () => endless("", ""), isSlow: true, why: /./ },
};

/** What is under way in buffers of the system and of TLS. */
const slackBytes = 32 * 1024 * 1024;
/** After so many pieces of a slow answer its time is over. */
const slowPieces = 20;

describe("a hostile server's answer to", function () {
  this.timeout(60_000);
  let server: Server;
  let caPem: string;
  let url: string;
  let serve: (socket: TLSSocket) => void = () => undefined;

  before(async () => {
    const authority = await createAuthority({ name: "hostile" });
    const place = { addresses: ["127.0.0.1"], usage: "server" } as const;
    const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
      commonName: "anybody",
      ...place,
    });
    caPem = authority.certificatePem;
    server = createServer({ cert: certificatePem, key: privateKeyPem }, (socket) => {
      socket.on("error", () => undefined); // whoever asked has enough
      socket.once("data", () => serve(socket));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/w`;
  });
  after(() => server.close());

  /** Serves the answer to whoever asks, and gives how the question ended. `late` is called when a slow one has gone on for long. */
  async function served(
    { pieces, isSlow }: Hostile,
    ask: () => Promise<unknown>,
    late: () => void,
  ): Promise<{ readonly error: Error; readonly sentBytes: number }> {
    let sentBytes = 0;
    const gone = new Promise<void>((resolve) => {
      serve = (socket) => {
        socket.on("close", () => resolve());
        const all = pieces()[Symbol.iterator]();
        let sent = 0;
        const next = () => {
          if (socket.destroyed) return;
          if (isSlow && sent++ === slowPieces) return late();
          const { value, done } = all.next();
          if (done) return;
          sentBytes += value.length;
          socket.write(value, () => setImmediate(next));
        };
        next();
      };
    });
    const error = await ask().then(
      (answer) => assert.fail(`taken: ${JSON.stringify(answer).slice(0, 200)}`),
      (reason: unknown) => reason,
    );
    await gone;
    assert.ok(error instanceof Error);
    return { error, sentBytes };
  }

  const body = JSON.stringify({ kind: "Review" });
  describe("a webhook's question", () => {
    const answerBytesMax = 8 * 1024 * 1024;
    for (const [name, one] of Object.entries(hostile))
      it(`ends at a bound: ${name}`, async () => {
        const clients = new HookClients({} as ConstructorParameters<typeof HookClients>[0]);
        const deadline = new AbortController();
        const { signal } = deadline;
        const { error, sentBytes } = await served(
          one,
          () => clients.post({ url, authorityPem: caPem }, { body, signal, answerBytesMax }),
          () => deadline.abort(new Error("context deadline exceeded")),
        );
        clients.close();
        assert.match(error.message, one.isSlow ? /^context deadline exceeded$/ : one.why);
        assert.ok(sentBytes < answerBytesMax + slackBytes, `${sentBytes} bytes were taken`);
      });
  });

  describe("a question about a token, for keys, or to take audit events", () => {
    for (const [name, one] of Object.entries(hostile))
      it(`ends at a bound: ${name}`, async () => {
        const clock = new ManualClock();
        const remote = new RemoteJson({ caPem }, clock);
        const { error, sentBytes } = await served(
          one,
          () => remote.ask({ url, body }),
          () => clock.advance(10_000),
        );
        assert.match(error.message, one.isSlow ? /^no answer within 10 s$/ : one.why);
        assert.ok(sentBytes < 1024 * 1024 + slackBytes, `${sentBytes} bytes were taken`);
      });
  });
});

/** Of the size of a bomb only once it is unpacked. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
const depth = 200_000;

describe("an admission webhook that means no good", () => {
  let api: TestApiserver;
  let hook: TestHook;
  before(async () => {
    api = await startTestApiserver();
    hook = await startTestHook();
    const rules = [{ operations: ["*"], apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"] }];
    const clientConfig = { url: hook.url("/w"), caBundle: hook.caBundle };
    const more = { sideEffects: "None", admissionReviewVersions: ["v1"] };
    await configure(api.admin, "mutating", "hostile", [
      { name: "hostile.example.com", clientConfig, rules, ...more },
    ]);
  });
  after(async () => {
    await hook.stop();
    await api.stop();
  });

  const deep = (open: string, close: string, value = "1") => open.repeat(depth) + value + close.repeat(depth);
  const patchText = (text: string) => ({
    patchType: "JSONPatch",
    patch: Buffer.from(text).toString("base64"),
  });
  const answers: Readonly<Record<string, [answer: TestHook["answer"], code: number, why: RegExp]>> = {
    "answers a bomb of gzip": [
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
      500,
      /failed to call webhook: couldn't get version\/kind/,
    ],
    "sends elsewhere": [
      (_, response) => response.writeHead(307, { location: "https://127.0.0.1:1/" }).end(),
      500,
      /failed to call webhook: the server responded with the status code 307 but did not return more information/,
    ],
    "answers JSON that nests deep": [
      (_, response) => response.end(deep("[", "]")),
      500,
      /failed to call webhook: json: exceeded max depth/,
    ],
    "answers a review that nests deep": [
      (request, response) =>
        response.end(
          reviewAnswer(request).replace(
            '"allowed":true',
            `"allowed":true,"auditAnnotations":${deep("[", "]")}`,
          ),
        ),
      500,
      /failed to call webhook: json: exceeded max depth/,
    ],
    "wants a value that nests deep": [
      (request, response) => {
        const text = `[{"op":"add","path":"/data/deep","value":${deep('{"a":', "}")}}]`;
        response.end(reviewAnswer(request, patchText(text)));
      },
      500,
      /received undecodable patch in webhook response: json: exceeded max depth/,
    ],
    "wants a patch that nests deep": [
      (request, response) => response.end(reviewAnswer(request, patchText(deep("[", "]")))),
      500,
      /received undecodable patch in webhook response: json: exceeded max depth/,
    ],
    "wants an object without an end, by copies of copies": [
      (request, response) => {
        const start = { op: "add", path: "/data/a", value: "x".repeat(100_000) };
        const copies = Array.from({ length: 30 }, (_, at) => ({
          op: "copy",
          from: "/data",
          path: `/data/b${at}`,
        }));
        response.end(reviewAnswer(request, patchOf([start, ...copies])));
      },
      500,
      /./,
    ],
  };
  for (const [name, [answer, code, why]] of Object.entries(answers))
    it(`${name} fails its request, and nothing else`, async () => {
      hook.answer = answer;
      const { code: given, body } = await api.admin.call("POST", configMaps, { body: configMap("hostile") });
      assert.deepEqual([given, body.kind], [code, "Status"], body.message);
      assert.match(body.message, why);
      assert.equal((await api.admin.call("GET", "/livez")).code, 200);
    });
});
