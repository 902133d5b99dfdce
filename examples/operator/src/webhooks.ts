import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { join } from "node:path";
import type { KubeClient } from "pintle/client";
import { type AdmissionRequest, type AdmissionResponse, addUser, checkSecrets } from "./admission.ts";

/** An API object has at most 3 MiB, and here come two. */
const bodyBytesMost = 8 * 1024 * 1024;
const readCertificateEachMs = 60_000;

/** Answers the API server. The folder holds `tls.crt` and `tls.key`, which may be replaced at any time. */
export function webhookServer(folder: string, api: KubeClient): Server {
  const pair = () => ({
    cert: readFileSync(join(folder, "tls.crt")),
    key: readFileSync(join(folder, "tls.key")),
  });
  const webhooks: Record<string, (request: AdmissionRequest) => Promise<AdmissionResponse>> = {
    "/add-user": async (request) => addUser(request),
    "/check-secrets": (request) => checkSecrets(request, api),
  };
  const server = createServer(pair(), (request, response) => {
    const [path = ""] = (request.url ?? "").split("?");
    const webhook = webhooks[path];
    if (webhook === undefined) response.writeHead(404).end();
    else answer(webhook, request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  const timer = setInterval(() => {
    try {
      server.setSecureContext(pair());
    } catch (error) {
      console.error("the new certificate is not good, the last one stays:", error);
    }
  }, readCertificateEachMs);
  server.on("close", () => clearInterval(timer));
  return server;
}

async function answer(
  webhook: (request: AdmissionRequest) => Promise<AdmissionResponse>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes > bodyBytesMost) return void outgoing.writeHead(413).end();
    chunks.push(chunk);
  }
  const { apiVersion, kind, request } = JSON.parse(Buffer.concat(chunks).toString()) as {
    apiVersion: string;
    kind: string;
    request: AdmissionRequest;
  };
  const { patch, ...decision } = await webhook(request);
  const patched = patch && {
    patchType: "JSONPatch",
    patch: Buffer.from(JSON.stringify(patch)).toString("base64"),
  };
  const response = { uid: request.uid, ...decision, ...patched };
  outgoing.writeHead(200, { "content-type": "application/json" });
  outgoing.end(JSON.stringify({ apiVersion, kind, response }));
}
