import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { systemClock } from "../../../base/os/clock.ts";
import { createLog } from "../../../base/os/log.ts";
import {
  type Certificate,
  createAuthority,
  createSelfSigned,
  issueCertificate,
} from "../../../base/os/pki.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { CertificatePem } from "../../../client/rules/tls-secret.ts";
import type { Ingress } from "../../../client/types.ts";
import { planIngress } from "../ingress-routes.ts";
import { LocalServing } from "../serving.ts";

export interface Backend {
  readonly port: number;
  /** Requests that came, as `METHOD target`. */
  readonly asked: string[];
  readonly server: Server | Http2Server;
}

/** A node's answering part with Ingresses, backends and certificates that a test sets, on ports of the system's choice. */
export class ServingRig {
  readonly serving: LocalServing;
  http = 0;
  https = 0;
  readonly said: string[] = [];
  readonly #closers: (() => void)[] = [];

  private constructor(fallback: CertificatePem) {
    const log = createLog({ format: "text", write: (line) => this.said.push(line) });
    this.serving = new LocalServing({ fallback, clock: systemClock, random: systemRandom, log });
  }

  static async open(): Promise<ServingRig> {
    const own = await createSelfSigned({
      organization: "test",
      hosts: ["fallback.test"],
      usage: "server",
      validDays: 2,
    });
    const rig = new ServingRig({ certificatePem: own.certificatePem, keyPem: own.privateKeyPem });
    const opened = await rig.serving.open({ address: "127.0.0.1", http: 0, https: 0 });
    if (typeof opened.http !== "number" || typeof opened.https !== "number")
      throw new Error(JSON.stringify(opened));
    rig.http = opened.http;
    rig.https = opened.https;
    return rig;
  }

  async close(): Promise<void> {
    for (const close of this.#closers) close();
    await this.serving.stop();
  }

  /** @param paths Path and Service of each; `=` before the path: exact. */
  ingress(
    host: string,
    paths: Readonly<Record<string, string>>,
    annotations: Readonly<Record<string, string>> = {},
    spec: Partial<Ingress["spec"]> = {},
  ): readonly string[] {
    const name = `of-${host}`;
    const ingress: Ingress = {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {
        name,
        namespace: "ns",
        uid: name,
        resourceVersion: "1",
        creationTimestamp: "2026-01-01T00:00:00Z",
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
        ),
      },
      spec: {
        rules: [
          {
            host,
            http: {
              paths: Object.entries(paths).map(([path, service]) => ({
                path: path.replace(/^=/, ""),
                pathType: path.startsWith("=") ? "Exact" : "Prefix",
                backend: { service: { name: service, port: { number: 80 } } },
              })),
            },
          },
        ],
        ...spec,
      },
    };
    const plan = planIngress(ingress);
    this.serving.apply({ kind: "routes", owner: `ns/${name}`, hosts: plan.hosts });
    return plan.problems;
  }

  endpoints(service: string, ports: readonly number[]): void {
    const endpoints = ports.map((port) => ({ address: "127.0.0.1", port }));
    this.serving.apply({ kind: "endpoints", backend: `ns/${service}:80`, endpoints });
  }

  /** A server that is the Service's one endpoint. */
  async backend(
    service: string,
    answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
      response.end(service),
  ): Promise<Backend> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      answer(request, response);
    });
    const port = await this.listen(server);
    this.endpoints(service, [port]);
    return { port, asked, server };
  }

  /** One that speaks HTTP/1.1 by TLS; absent a certificate, with one that nobody vouches for. */
  async tlsBackend(
    service: string,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    certificate?: Certificate,
  ): Promise<Backend> {
    const asked: string[] = [];
    const own =
      certificate ??
      (await createSelfSigned({
        organization: "test",
        hosts: ["backend.test"],
        usage: "server",
        validDays: 2,
      }));
    const server = createTlsServer(
      { cert: own.certificatePem, key: own.privateKeyPem },
      (request, response) => {
        asked.push(`${request.method} ${request.url}`);
        answer(request, response);
      },
    );
    const port = await this.listen(server);
    this.endpoints(service, [port]);
    return { port, asked, server };
  }

  async grpcBackend(service: string, answer: (stream: ServerHttp2Stream) => void): Promise<Backend> {
    const asked: string[] = [];
    const server = createHttp2();
    server.on("stream", (stream, headers) => {
      asked.push(`${headers[":method"]} ${headers[":path"]}`);
      stream.on("error", () => undefined);
      answer(stream);
    });
    const port = await this.listen(server);
    this.endpoints(service, [port]);
    return { port, asked, server };
  }

  async listen(server: Server | Http2Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#closers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }

  async certificate(host: string): Promise<string> {
    const authority = await createAuthority({ name: `authority of ${host}` });
    const made = await issueCertificate(authority, {
      commonName: host,
      dnsNames: host === "" ? [] : [host],
      usage: "server",
    });
    this.serving.apply({
      kind: "certificate",
      host,
      pem: { certificatePem: made.certificatePem, keyPem: made.privateKeyPem },
    });
    return authority.certificatePem;
  }

  /** Sends bytes as they are; resolves with all that came until the node closed the connection, or `until` did. */
  raw(text: string, until: RegExp = /\0/): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.http, "127.0.0.1", () => socket.write(text, "latin1"));
      let all = "";
      const done = () => {
        socket.destroy();
        resolve(all);
      };
      socket.on("data", (bytes) => {
        all += bytes.toString("latin1");
        if (until.test(all)) done();
      });
      socket.on("close", done);
      socket.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNRESET" || error.code === "EPIPE") done();
        else reject(error);
      });
    });
  }
}

export const statusLine = (answer: string): string => /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? "none";
