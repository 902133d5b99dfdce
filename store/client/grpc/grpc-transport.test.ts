import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { settle } from "../../../client/testing/manual-clock.ts";
import type { CallError } from "../call-error.ts";
import { parseEndpoint } from "../endpoints.ts";
import { GrpcTransport } from "./grpc-transport.ts";

const same = (bytes: Buffer) => bytes;
const method = (path: string, kind: "unary" | "both") => ({
  path,
  requestStream: kind === "both",
  responseStream: kind === "both",
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});
const service = {
  echo: method("/test.Test/Echo", "unary"),
  told: method("/test.Test/Told", "unary"),
  refuse: method("/test.Test/Refuse", "unary"),
  never: method("/test.Test/Never", "unary"),
  both: method("/test.Test/Both", "both"),
};
type Call = grpc.ServerUnaryCall<Buffer, Buffer>;
type Answer = grpc.sendUnaryData<Buffer>;
const settings = { timeoutMs: 20_000, requireLeader: false };
const failed = async (answer: Promise<unknown>): Promise<CallError> => {
  try {
    await answer;
  } catch (error) {
    return error as CallError;
  }
  return assert.fail("the call succeeded");
};

describe("the client's gRPC", () => {
  const transports: GrpcTransport[] = [];
  const transportOf = (...options: ConstructorParameters<typeof GrpcTransport>) => {
    const transport = new GrpcTransport(...options);
    transports.push(transport);
    return transport;
  };
  afterEach(() => {
    for (const transport of transports.splice(0)) transport.close();
  });

  describe("with grpc-js's server", () => {
    let server: grpc.Server;
    let port: number;
    const cancelled: string[] = [];
    const implementation = {
      echo: ({ request }: Call, answer: Answer) => answer(null, request),
      told: (call: Call, answer: Answer) => {
        const told = {
          hasleader: call.metadata.get("hasleader"),
          ms: Number(call.getDeadline()) - Date.now(),
        };
        answer(null, Buffer.from(JSON.stringify(told)));
      },
      refuse: (_: Call, answer: Answer) =>
        answer({ code: grpc.status.OUT_OF_RANGE, details: "100 % über\nall" } as grpc.ServiceError),
      never: (call: Call) => call.on("cancelled", () => void cancelled.push(call.getPath())),
      both: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on("data", (bytes: Buffer) => {
          if (bytes.length === 0) call.emit("error", { code: grpc.status.ABORTED, details: "nothing" });
          else call.write(bytes);
        });
        call.on("end", () => call.end());
        call.on("cancelled", () => void cancelled.push(call.getPath()));
      },
    };
    before(async () => {
      const options = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
      server = new grpc.Server(options);
      server.addService(service, implementation);
      port = await new Promise<number>((resolve, reject) =>
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        ),
      );
    });
    beforeEach(() => void cancelled.splice(0));
    after(() => server.forceShutdown());
    const endpoint = () => parseEndpoint(`http://127.0.0.1:${port}`);

    it("carries messages of any length, many at once", async () => {
      const transport = transportOf();
      const lengths = [0, 1, 4_096, 4_097, 70_000, 9_000_000];
      await Promise.all(
        lengths.map(async (length, at) => {
          const request = Buffer.alloc(length, at);
          const answer = await transport.unary(endpoint(), "/test.Test/Echo", request, settings);
          assert.ok(Buffer.from(answer).equals(request));
        }),
      );
    });

    it("says how long it waits, and whether a leader is asked for", async () => {
      const transport = transportOf();
      const told = async (requireLeader: boolean, timeoutMs: number) => {
        const options = { requireLeader, timeoutMs };
        const answer = await transport.unary(endpoint(), "/test.Test/Told", Buffer.alloc(0), options);
        return JSON.parse(Buffer.from(answer).toString()) as { hasleader: string[]; ms: number };
      };
      const first = await told(true, 60_000.5);
      assert.deepEqual(first.hasleader, ["true"]);
      assert.ok(first.ms > 20_000 && first.ms <= 60_001, `${first.ms}`);
      const second = await told(false, 600_000);
      assert.deepEqual(second.hasleader, []);
      assert.ok(second.ms > 60_000 && second.ms <= 600_000, `${second.ms}`);
    });

    it("tells of a refusal in the server's words", async () => {
      const error = await failed(
        transportOf().unary(endpoint(), "/test.Test/Refuse", Buffer.alloc(0), settings),
      );
      assert.deepEqual([error.status, error.message, error.sent], ["OUT_OF_RANGE", "100 % über\nall", true]);
      const unknown = await failed(
        transportOf().unary(endpoint(), "/test.Test/No", Buffer.alloc(0), settings),
      );
      assert.equal(unknown.status, "UNIMPLEMENTED");
    });

    it("ends what takes too long, and what nobody wants any more, on both sides", async () => {
      const transport = transportOf();
      const ask = (options: { timeoutMs: number; signal?: AbortSignal }) =>
        transport.unary(endpoint(), "/test.Test/Never", Buffer.alloc(0), {
          requireLeader: false,
          ...options,
        });
      const late = await failed(ask({ timeoutMs: 50 }));
      assert.deepEqual([late.status, late.sent], ["DEADLINE_EXCEEDED", true]);
      const abort = new AbortController();
      const unwanted = ask({ timeoutMs: 60_000, signal: abort.signal });
      await transport.unary(endpoint(), "/test.Test/Echo", Buffer.alloc(0), settings);
      abort.abort(new Error("enough"));
      assert.equal((await failed(unwanted)).message, "enough");
      assert.equal((await failed(ask({ timeoutMs: 60_000, signal: abort.signal }))).message, "enough");
      while (cancelled.length < 2) await settle();
    });

    const openStream = (transport: GrpcTransport, signal?: AbortSignal, to = endpoint()) => {
      const messages: string[] = [];
      let end: (error: CallError | undefined) => void = () => undefined;
      const ended = new Promise<CallError | undefined>((resolve) => {
        end = resolve;
      });
      let onMessage: () => void = () => undefined;
      const stream = transport.stream(
        to,
        "/test.Test/Both",
        { requireLeader: true, signal },
        {
          message: (bytes) => {
            messages.push(Buffer.from(bytes).toString());
            onMessage();
          },
          end,
        },
      );
      const heard = async (count: number) => {
        while (messages.length < count)
          await new Promise<void>((resolve) => {
            onMessage = resolve;
          });
        return messages;
      };
      return { stream, ended, heard };
    };

    it("carries a stream, whatever is sent before there is a connection", async () => {
      const { stream, ended, heard } = openStream(transportOf());
      stream.send(Buffer.from("one"));
      stream.send(Buffer.from("two"));
      assert.deepEqual(await heard(2), ["one", "two"]);
      stream.send(Buffer.from("three"));
      stream.halfClose();
      assert.equal(await ended, undefined);
      assert.deepEqual(await heard(3), ["one", "two", "three"]);
    });

    it("tells how a stream ended that the server ended", async () => {
      const { stream, ended } = openStream(transportOf());
      stream.send(Buffer.alloc(0));
      const error = await ended;
      assert.deepEqual([error?.status, error?.message], ["ABORTED", "nothing"]);
    });

    it("cancels a stream, by itself or by a signal, without a word", async () => {
      const transport = transportOf();
      const abort = new AbortController();
      const [first, second] = [openStream(transport), openStream(transport, abort.signal)];
      for (const { stream, heard } of [first, second]) {
        stream.send(Buffer.from("x"));
        await heard(1);
      }
      first.stream.cancel();
      abort.abort();
      while (cancelled.length < 2) await settle();
      assert.equal(await Promise.race([first.ended, second.ended, "no word"]), "no word");
    });

    it("loses what is under way with the connection, and makes another for the next call", async () => {
      const transport = transportOf();
      const links: Socket[] = [];
      const relay = createServer((client) => {
        const link = connect(port, "127.0.0.1");
        links.push(client);
        client.on("error", () => undefined).on("close", () => link.destroy());
        link.on("error", () => undefined).on("close", () => client.destroy());
        client.pipe(link).pipe(client);
      }).listen(0, "127.0.0.1");
      await once(relay, "listening");
      try {
        const through = parseEndpoint(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`);
        const ask = (path: string) => transport.unary(through, path, Buffer.from("x"), settings);
        const never = ask("/test.Test/Never");
        const { stream, ended, heard } = openStream(transport, undefined, through);
        stream.send(Buffer.from("x"));
        await heard(1);
        links[0]?.destroy();
        for (const error of [await failed(never), await ended])
          assert.deepEqual([error?.status, error?.sent], ["UNAVAILABLE", true]);
        assert.equal(Buffer.from(await ask("/test.Test/Echo")).toString(), "x");
        assert.equal(links.length, 2);
      } finally {
        for (const link of links) link.destroy();
        relay.close();
      }
    });

    it("ends all with its close", async () => {
      const transport = transportOf();
      const never = transport.unary(endpoint(), "/test.Test/Never", Buffer.alloc(0), settings);
      await transport.unary(endpoint(), "/test.Test/Echo", Buffer.alloc(0), settings);
      transport.close();
      const error = await failed(never);
      assert.deepEqual([error.status, error.message], ["UNAVAILABLE", "the client is closed"]);
    });
  });

  describe("with a server by hand", () => {
    const servers: Server[] = [];
    const taken: Socket[] = [];
    const listen = async (server: Server) => {
      servers.push(server);
      server.on("connection", (socket) => {
        taken.push(socket);
        socket.on("error", () => undefined);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return (server.address() as AddressInfo).port;
    };
    afterEach(() => {
      for (const socket of taken.splice(0)) socket.destroy();
      for (const server of servers.splice(0)) server.close();
    });
    const ask = (transport: GrpcTransport, url: string, timeoutMs = 20_000) =>
      failed(
        transport.unary(parseEndpoint(url), "/a/b", Buffer.alloc(0), { timeoutMs, requireLeader: false }),
      );

    it("says that nothing was sent where nobody listens, at once and while it waits to try again", async () => {
      const port = await listen(createServer());
      await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
      const transport = transportOf();
      for (const _ of [1, 2]) {
        const error = await ask(transport, `http://127.0.0.1:${port}`);
        const words = `no connection to 127.0.0.1:${port}: dial tcp 127.0.0.1:${port}: connect: connection refused`;
        assert.deepEqual([error.status, error.sent, error.message], ["UNAVAILABLE", false, words]);
      }
    });

    it("says that nothing was sent when time is over before there is a connection", async () => {
      const port = await listen(createServer());
      const error = await ask(transportOf(), `http://127.0.0.1:${port}`, 50);
      assert.deepEqual([error.status, error.sent], ["DEADLINE_EXCEEDED", false]);
    });

    it("leaves a server that it cannot connect to when a call's share of its time is over", async () => {
      const port = await listen(createServer());
      const share = { timeoutMs: 20_000, connectWithinMs: 50, requireLeader: false };
      const transport = transportOf();
      const call = transport.unary(parseEndpoint(`http://127.0.0.1:${port}`), "/a/b", Buffer.alloc(0), share);
      const error = await failed(call);
      assert.deepEqual([error.status, error.sent], ["UNAVAILABLE", false]);
      assert.match(error.message, /no connection within 50 ms/);
    });

    it("connects to nobody once it is closed", async () => {
      const server = createServer();
      const url = `http://127.0.0.1:${await listen(server)}`;
      const transport = transportOf();
      transport.close();
      const error = await ask(transport, url);
      assert.deepEqual(
        [error.status, error.sent, error.message.endsWith("the client is closed")],
        ["UNAVAILABLE", false, true],
      );
      assert.equal(taken.length, 0);
    });

    const tls = async (names: { addresses?: readonly string[]; dnsNames?: readonly string[] }) => {
      const authority = await createAuthority({ name: "authority" });
      const issued = await issueCertificate(authority, { commonName: "m", ...names, usage: "server" });
      return { authority, cert: issued.certificatePem, key: issued.privateKeyPem };
    };
    const silent: Record<string, () => Promise<{ server: Server; scheme: string; authority?: Certificate }>> =
      {
        "without TLS": async () => ({ server: createServer(), scheme: "http" }),
        "in the TLS handshake": async () => ({ server: createServer(), scheme: "https" }),
        "after the TLS handshake": async () => {
          const { authority, cert, key } = await tls({ addresses: ["127.0.0.1"] });
          const server = createTlsServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => socket.resume());
          return { server, scheme: "https", authority };
        },
      };
    for (const [when, make] of Object.entries(silent))
      it(`leaves a server that takes the connection and says nothing ${when}`, async () => {
        const { server, scheme, authority } = await make();
        const port = await listen(server);
        const connectWithinMs = 100;
        const transport = transportOf({ ...(authority && { ca: authority.certificatePem }) }, undefined, {
          connectWithinMs,
        });
        const error = await ask(transport, `${scheme}://127.0.0.1:${port}`);
        assert.deepEqual([error.status, error.sent], ["UNAVAILABLE", false]);
        assert.match(error.message, /says nothing for 100 ms/);
        await Promise.all(taken.map((socket) => socket.closed || once(socket.resume(), "close")));
      });

    it("checks whom it speaks to", async () => {
      const { authority, cert, key } = await tls({ dnsNames: ["member.test"] });
      const secure = createTlsServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => socket.resume());
      const url = `https://127.0.0.1:${await listen(secure)}`;
      const ca = authority.certificatePem;
      const within = { connectWithinMs: 100 };
      const why = async (options: ConstructorParameters<typeof GrpcTransport>[0]) =>
        (await ask(transportOf(options, undefined, within), url)).message;
      assert.match(await why({}), /certificate signed by unknown authority/);
      assert.match(
        await why({ ca }),
        /cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs/,
      );
      assert.match(await why({ ca, serverName: "member.test" }), /says nothing/);
      assert.match(await why({ skipVerify: true }), /says nothing/);
    });

    it("does not speak to a server of HTTP/1.1", async () => {
      const { authority, cert, key } = await tls({ addresses: ["127.0.0.1"] });
      const url = `https://127.0.0.1:${await listen(createTlsServer({ cert, key }))}`;
      const error = await ask(transportOf({ ca: authority.certificatePem }), url);
      assert.match(error.message, /the server does not speak HTTP\/2/);
    });
  });
});
