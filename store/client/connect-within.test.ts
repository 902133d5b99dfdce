import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { ConnectWithin } from "./connect-within.ts";

const same = (bytes: Buffer) => bytes;

describe("a connection that a server takes and then says nothing on", () => {
  const withinMs = 100;

  /** Runs a call against the server until it was connected to `times` times; then the client closes. */
  async function connectTimes(
    server: Server,
    credentials: grpc.ChannelCredentials,
    times: number,
  ): Promise<Socket[]> {
    const taken: Socket[] = [];
    const enough = new Promise<void>((resolve) => {
      server.on("connection", (socket: Socket) => {
        socket.on("error", () => undefined);
        if (taken.push(socket) === times) resolve();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new grpc.Client(
      `dns:127.0.0.1:${(server.address() as AddressInfo).port}`,
      new ConnectWithin(credentials, withinMs),
      { "grpc.use_local_subchannel_pool": 1, "grpc.initial_reconnect_backoff_ms": 100 },
    );
    const wait = new grpc.Metadata({ waitForReady: true });
    const call = client.makeUnaryRequest("/a/b", same, same, Buffer.alloc(0), wait, () => undefined);
    try {
      await enough;
      return taken;
    } finally {
      call.cancel();
      client.close();
    }
  }

  type Silence = () => Promise<{ server: Server; credentials: grpc.ChannelCredentials }>;
  const silences: Record<string, Silence> = {
    "without TLS": async () => ({ server: createServer(), credentials: grpc.credentials.createInsecure() }),
    "in the TLS handshake": async () => ({
      server: createServer(),
      credentials: grpc.credentials.createSsl(),
    }),
    "after the TLS handshake": async () => {
      const authority = await createAuthority({ name: "authority" });
      const request = { commonName: "member", addresses: ["127.0.0.1"], usage: "server" } as const;
      const { certificatePem: cert, privateKeyPem: key } = await issueCertificate(authority, request);
      const credentials = grpc.credentials.createSsl(Buffer.from(authority.certificatePem));
      return {
        server: createTlsServer({ cert, key, ALPNProtocols: ["h2"] }, (socket) => socket.resume()),
        credentials,
      };
    },
  };
  for (const [when, make] of Object.entries(silences))
    it(`is ended, and another made, ${when}`, async () => {
      const { server, credentials } = await make();
      const taken = await connectTimes(server, credentials, 3);
      // The last one is young: the client's close ends it.
      await Promise.all(taken.map((socket) => socket.closed || once(socket.resume(), "close")));
      server.close();
    });
});
