import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { statusText } from "./answers.ts";
import type { ApiWay } from "./api-way.ts";
import { protocolsBeyondKey, safeHeaders } from "./hygiene.ts";

/** What of a browser's request the API server gets to see: nothing that says who asks. */
const passedOn = [
  "accept",
  "content-type",
  "content-length",
  "if-match",
  "if-none-match",
  "user-agent",
] as const;
const passedBack = [
  "content-type",
  "etag",
  "warning",
  "retry-after",
  "audit-id",
  "content-disposition",
] as const;
const handshake = ["sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"] as const;
const methods = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/** The prefix under which the cluster's API lies. */
export const clusterPrefix = "/cluster";

/** The path at the API server; undefined for what is not the cluster's. The text goes on as it came. */
export function clusterPath(url: string): string | undefined {
  return url.startsWith(`${clusterPrefix}/`) ? url.slice(clusterPrefix.length) : undefined;
}

/** Passes a request on to the API server as the person who looks, and its answer back, piece by piece. */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { path, way }: { readonly path: string; readonly way: ApiWay },
): Promise<void> {
  const method = request.method ?? "";
  if (!methods.has(method)) return statusText(response, 405, `${method} is no method of the cluster's API`);
  const lasting = /[?&](watch|follow)=(true|1)(&|$)/.test(path);
  const outgoing = await way.begin({ method, path, lasting, headers: pick(request.headers, passedOn) });
  outgoing.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      ...pick(answer.headers, passedBack),
      ...safeHeaders,
      "cache-control": "no-store",
    });
    answer.once("error", () => response.destroy());
    answer.pipe(response);
  });
  outgoing.once("error", (error) => {
    if (response.headersSent) response.destroy();
    else statusText(response, 502, `the API server does not answer: ${error.message}`);
  });
  // Whoever looked away does not wait for the rest.
  response.once("close", () => outgoing.destroy());
  request.pipe(outgoing);
}

/** Joins a browser's WebSocket to one of the API server's (exec, attach, port-forward): after the handshake bytes pass unread. */
export async function tunnel(
  request: IncomingMessage,
  socket: Duplex,
  { path, way, head }: { readonly path: string; readonly way: ApiWay; readonly head: Buffer },
): Promise<void> {
  const protocols = protocolsBeyondKey(request.headers["sec-websocket-protocol"]);
  const headers: OutgoingHttpHeaders = {
    ...pick(request.headers, handshake),
    connection: "Upgrade",
    upgrade: "websocket",
    ...(protocols.length > 0 && { "sec-websocket-protocol": protocols.join(", ") }),
  };
  const outgoing = await way.begin({ method: "GET", path, lasting: true, headers });
  outgoing.once("upgrade", (answer, far: Duplex, farHead) => {
    socket.write(
      headText("101 Switching Protocols", {
        connection: "Upgrade",
        upgrade: "websocket",
        ...pick(answer.headers, [
          "sec-websocket-accept",
          "sec-websocket-protocol",
          "sec-websocket-extensions",
        ]),
      }),
    );
    if (farHead.length > 0) socket.write(farHead);
    if (head.length > 0) far.write(head);
    far.once("error", () => socket.destroy());
    far.once("close", () => socket.destroy());
    socket.once("close", () => far.destroy());
    socket.pipe(far);
    far.pipe(socket);
  });
  // A browser's script learns nothing of a refused handshake but that it was refused; people see it in the network's log.
  outgoing.once("response", (answer) => {
    socket.write(
      headText(`${answer.statusCode} Refused`, {
        connection: "close",
        ...pick(answer.headers, ["content-type"]),
      }),
    );
    answer.pipe(socket);
  });
  outgoing.once("error", () => socket.destroy());
  socket.once("close", () => outgoing.destroy());
  socket.once("error", () => outgoing.destroy());
  outgoing.end();
}

/** An answer's head, for sockets that left HTTP. Values come from Node's parser, which takes no line breaks. */
export function headText(status: string, headers: OutgoingHttpHeaders): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${[status, ...lines].join("\r\n")}\r\n\r\n`;
}

function pick(
  headers: NodeJS.Dict<string | string[] | number>,
  names: readonly string[],
): OutgoingHttpHeaders {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
