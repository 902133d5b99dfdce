import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { dialText } from "../../../base/dial-text.ts";
import { join } from "../../../base/os/join.ts";
import { unknownError } from "../api-error.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import type { HandlerDeps } from "./call.ts";
import type { PodTarget } from "./pod-target.ts";

const passedOn = ["command", "stdin", "stdout", "stderr", "tty"];
/** As the node's agent names them. */
const paths = { exec: "exec", attach: "attach", portforward: "portForward" } as const;
/** Of the WebSocket and SPDY handshakes; everything else (cookies, origins) stays here. */
const handshakeHeaders = [
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "x-stream-protocol-version",
];

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent right behind its request. */
  readonly head: Buffer;
}
export interface StreamRoute {
  readonly stream: "exec" | "attach" | "portforward";
  readonly pod: PodTarget;
  readonly target: ResourceInfo;
  readonly query: URLSearchParams;
  readonly deps: HandlerDeps;
}

/** Hands the client's upgrade on to the node's agent and joins the two connections. Resolves when both have ended.
 *  Rejects when the agent cannot be reached; a refusal of the agent is passed on as it is. */
export function pipeToNode({ request, socket, head }: UpgradeRequest, route: StreamRoute): Promise<void> {
  const { pod, target, deps } = route;
  const parts = [target.namespace, target.name, pod.container]
    .filter((part) => part !== "")
    .map(encodeURIComponent)
    .join("/");
  const headers: Record<string, string> = { Connection: "Upgrade", Upgrade: request.headers.upgrade ?? "" };
  for (const name of handshakeHeaders) {
    const value = request.headers[name];
    if (typeof value === "string") headers[name] = value;
  }
  return new Promise((resolve, reject) => {
    const path = `/${paths[route.stream]}/${parts}?${nodeQuery(route)}`;
    const upstream = httpsRequest({ host: pod.host, port: pod.port, path, headers, agent: deps.nodes.agent });
    upstream.on("error", (error) => reject(unknownError(`error dialing backend: ${dialText(error, pod)}`)));
    upstream.on("response", (response) => passRefusal(response, socket, resolve));
    upstream.on("upgrade", (response, far, farHead) => {
      socket.write(rawHead(response));
      if (farHead.length > 0) socket.write(farHead);
      if (head.length > 0) far.write(head);
      join(socket, far, deps.clock, resolve);
    });
    socket.on("close", () => upstream.destroy());
    upstream.end();
  });
}

function nodeQuery({ stream, query }: StreamRoute): URLSearchParams {
  if (stream !== "portforward")
    return new URLSearchParams([...query].filter(([key]) => passedOn.includes(key)));
  const ports = query.getAll("ports");
  return new URLSearchParams(ports.length === 0 ? {} : { port: ports.join(",") });
}

export function rawHead(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`];
  for (let at = 0; at < response.rawHeaders.length; at += 2)
    lines.push(`${response.rawHeaders[at]}: ${response.rawHeaders[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

export function passRefusal(response: IncomingMessage, socket: Duplex, done: () => void): void {
  const { headers } = response;
  const type = headers["content-type"] ?? "text/plain";
  socket.write(
    `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`,
  );
  response.pipe(socket);
  response.on("close", done);
}
