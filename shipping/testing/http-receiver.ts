import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answered {
  readonly status: number;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that answers each post as it is told; `undefined`: the connection is cut. */
export async function httpReceiver(
  answer: (posted: Posted) => Answered | undefined,
  server: Server = createServer(),
): Promise<{ readonly port: number; close(): Promise<void> }> {
  server.on("request", async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const sent = Buffer.concat(pieces);
    const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
    const said = answer({ path: request.url ?? "", headers: request.headers, body });
    if (said === undefined) return void request.socket.destroy();
    response.writeHead(said.status, said.headers).end(said.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A bulk request's documents, by their ids, answered as Elasticsearch does. */
export function bulkAnswer(body: Buffer, store: Map<string, unknown>): Answered {
  const lines = body.toString("utf8").trimEnd().split("\n");
  const items: unknown[] = [];
  let errors = false;
  for (let at = 0; at < lines.length; at += 2) {
    const { create } = JSON.parse(lines[at] ?? "") as { create: { _index: string; _id: string } };
    const document: unknown = JSON.parse(lines[at + 1] ?? "");
    const isThere = store.has(create._id);
    errors ||= isThere;
    if (!isThere) store.set(create._id, { ...(document as object), _index: create._index });
    items.push({ create: { status: isThere ? 409 : 201 } });
  }
  return { status: 200, body: JSON.stringify({ errors, items }) };
}
