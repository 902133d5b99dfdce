import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import type { TestClient } from "../testing.ts";

/** A webhook over HTTPS in this process, which answers what a test says. */
export interface TestHook {
  readonly port: number;
  /** In base64, as configurations have it. */
  readonly caBundle: string;
  readonly certificatePem: string;
  /** What it was asked, in order. */
  readonly seen: SeenRequest[];
  /** How many connections were made to it. */
  connections(): number;
  answer: (request: SeenRequest, response: ServerResponse) => void;
  url(path: string): string;
  stop(): Promise<void>;
}

export interface SeenRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into reviews of every shape
  readonly review: any;
}

export async function startTestHook(
  names: { readonly dnsNames?: readonly string[]; readonly addresses?: readonly string[] } = {
    addresses: ["127.0.0.1"],
  },
): Promise<TestHook> {
  const authority: Certificate = await createAuthority({ name: "webhooks" });
  const { certificatePem, privateKeyPem } = await issueCertificate(authority, {
    commonName: "webhook",
    ...names,
    usage: "server",
  });
  const sockets = new Set<Duplex>();
  let connections = 0;
  const hook: TestHook = {
    get port() {
      return (server.address() as AddressInfo).port;
    },
    caBundle: Buffer.from(authority.certificatePem).toString("base64"),
    certificatePem,
    seen: [],
    connections: () => connections,
    answer: (request, response) => allow(request, response),
    url: (path) => `https://127.0.0.1:${hook.port}${path}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server: Server = createServer({ cert: certificatePem, key: privateKeyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const { url = "", method = "", headers } = request;
      const seen = { path: url, method, headers, review: text === "" ? undefined : JSON.parse(text) };
      hook.seen.push(seen);
      hook.answer(seen, response);
    });
  });
  server.on("secureConnection", () => {
    connections += 1;
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return hook;
}

/** An answer of the webhook that allows, or says something else. */
export function reviewAnswer({ review }: SeenRequest, response: object = {}): string {
  const { apiVersion, request } = review;
  return JSON.stringify({
    apiVersion,
    kind: "AdmissionReview",
    response: { uid: request.uid, allowed: true, ...response },
  });
}

export function allow(request: SeenRequest, response: ServerResponse): void {
  response.end(reviewAnswer(request));
}

export function patchOf(operations: unknown): object {
  const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  return { patchType: "JSONPatch", patch };
}

const configurations = "/apis/admissionregistration.k8s.io/v1";

/** Makes a configuration with these webhooks, and waits until the server that is asked follows it. */
export async function configure(
  client: TestClient,
  phase: "mutating" | "validating",
  name: string,
  webhooks: readonly object[],
): Promise<void> {
  const kind = phase === "mutating" ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration";
  const path = `${configurations}/${phase}webhookconfigurations`;
  const body = { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name }, webhooks };
  const made = await client.call("POST", path, { body });
  if (made.code !== 201) throw new Error(made.text);
  await client.call("GET", `${path}?resourceVersion=${made.body.metadata.resourceVersion}`);
}

export async function unconfigure(
  client: TestClient,
  phase: "mutating" | "validating",
  name: string,
): Promise<void> {
  await client.call("DELETE", `${configurations}/${phase}webhookconfigurations/${name}`);
}
