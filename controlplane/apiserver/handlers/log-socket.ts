import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { ApiError } from "../api-error.ts";
import { type LogRoute, openLog } from "./pod-log.ts";
import type { UpgradeRequest } from "./pod-stream.ts";

/** Kubernetes' subprotocols for what is only read; clients that name none get bytes. */
const protocols = ["", "binary.k8s.io", "base64.binary.k8s.io"] as const;
/** Nothing is expected of a reader but that it goes. */
const frameBytesMax = 4096;

const server = new WebSocketServer({
  noServer: true,
  maxPayload: frameBytesMax,
  perMessageDeflate: false,
  handleProtocols: (_, request) => protocolOf(request) || false,
});

/** A pod's log in the frames of a WebSocket. Resolves when it has ended; rejects, before the upgrade, where there is none. */
export async function serveLogSocket(
  { request, socket, head }: UpgradeRequest,
  route: LogRoute,
): Promise<void> {
  const protocol = protocolOf(request);
  if (protocol === undefined) {
    const offered = request.headers["sec-websocket-protocol"];
    const known = protocols.join(" ").trim();
    const text = `requested protocol(s) are not supported: [${offered}]; supports [${known}]`;
    throw new ApiError(403, "Forbidden", text);
  }
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const log = await openLog(route, gone.signal);
  const client = await new Promise<WebSocket>((resolve) =>
    server.handleUpgrade(request, socket, head, resolve),
  );
  client.on("error", () => client.terminate());
  try {
    // Says that the log is there before its first line is.
    await send(client, protocol, Buffer.alloc(0));
    for await (const piece of log) await send(client, protocol, piece);
    client.close(1000);
  } catch (error) {
    // Either side going away ends a log.
    route.deps.log.debug("log stream ended early", { error });
    client.close(1011);
  }
}

function protocolOf(request: IncomingMessage): (typeof protocols)[number] | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  for (const name of offered) {
    const known = protocols.find((one) => one === name);
    if (known !== undefined) return known;
  }
  return undefined;
}

/** Resolves once the frame has left: a slow reader holds back its own log. */
function send(client: WebSocket, protocol: string, bytes: Buffer): Promise<void> {
  const frame = protocol === "base64.binary.k8s.io" ? bytes.toString("base64") : bytes;
  return new Promise((resolve, reject) => client.send(frame, (error) => (error ? reject(error) : resolve())));
}
