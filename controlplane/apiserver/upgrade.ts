import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { badRequest, pathNotFound } from "./api-error.ts";
import { authorize } from "./filters/authorization.ts";
import { identify } from "./filters/identity.ts";
import { requestInfo } from "./filters/request-info.ts";
import { pipeToNode } from "./handlers/pod-stream.ts";
import { podTarget } from "./handlers/pod-target.ts";
import { type ServerDeps, toApiError } from "./server.ts";

const streamSubresources = ["exec", "attach"] as const;

/** A request to leave HTTP: exec and attach. Access is checked here; then the bytes go through to the node's agent
 *  and back unread. Never rejects. */
export async function serveUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  { deps, head }: { readonly deps: ServerDeps; readonly head: Buffer },
): Promise<void> {
  socket.on("error", (error) => deps.log.debug("upgraded connection broke", { error }));
  const onStop = () => socket.destroy();
  deps.stopping.addEventListener("abort", onStop, { once: true });
  socket.on("close", () => deps.stopping.removeEventListener("abort", onStop));
  try {
    const info = requestInfo(request.method ?? "GET", request.url ?? "/");
    const { authorizer } = deps.handlers;
    const warn = (text: string) => deps.log.info("about an upgrade's user", { text });
    const user = await identify(request, info, { authorizer, warn });
    await authorize(authorizer, user, info);
    const target = info.resource;
    const stream = streamSubresources.find((one) => one === target?.subresource);
    if (target === undefined || stream === undefined || target.plural !== "pods") throw pathNotFound();
    // Only WebSockets can pass through as they are.
    if (request.headers.upgrade?.toLowerCase() !== "websocket")
      throw badRequest(`unable to upgrade: only websocket is served, not ${request.headers.upgrade}`);
    const served = deps.handlers.kinds.byResource(target.group, target.version, target.plural);
    if (served === undefined) throw pathNotFound();
    const pod = await podTarget({ served, target, query: info.query }, deps.handlers);
    await pipeToNode(
      { request, socket, head },
      { stream, pod, target, query: info.query, deps: deps.handlers },
    );
  } catch (error) {
    refuseUpgrade(socket, error);
  }
}

/** A Status in place of the 101 that the client hoped for. */
function refuseUpgrade(socket: Duplex, error: unknown): void {
  const known = toApiError(error);
  const body = JSON.stringify(known.status());
  socket.end(
    `HTTP/1.1 ${known.code} ${STATUS_CODES[known.code] ?? "Error"}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
