import type { IncomingMessage } from "node:http";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { dialText } from "../../base/dial-text.ts";
import type { Clock } from "../../base/os/clock.ts";
import { join } from "../../base/os/join.ts";
import type { SandboxStatus } from "../runtime/seam.ts";

/** As long as the API server waits for it. */
const dialTimeoutMs = 30_000;
const headEnd = "\r\n\r\n";

export interface TunnelDeps {
  readonly clock: Clock;
  readonly nodeIp: string;
  readonly sandboxes: () => readonly SandboxStatus[];
}

/** CONNECT ADDRESS:PORT – bytes to and from a port of one of this node's pods, for an API server that may have no way to pods'
 *  addresses. Whatever is no pod's address is refused: nobody gets further through this node than to its pods. */
export function serveTunnel(
  request: IncomingMessage,
  near: Duplex,
  head: Buffer,
  { clock, nodeIp, sandboxes }: TunnelDeps,
): void {
  const place = placeOf(request.url ?? "");
  const { code, text } =
    place === undefined
      ? { code: "400 Bad Request", text: `"${request.url}" is not ADDRESS:PORT` }
      : { code: "403 Forbidden", text: `${place.host} is no address of a pod of this node` };
  if (place === undefined || !isPodAddress(place.host, nodeIp, sandboxes())) {
    refuse(near, code, text);
    return;
  }
  const far = connect({ ...place, allowHalfOpen: true });
  const late = clock.after(dialTimeoutMs, () =>
    far.destroy(Object.assign(new Error("too late"), { code: "ETIMEDOUT" })),
  );
  const onGone = () => far.destroy();
  near.once("close", onGone);
  far.once("close", late);
  far.once("error", (error) => refuse(near, "502 Bad Gateway", dialText(error, place)));
  far.once("connect", () => {
    late();
    near.off("close", onGone);
    far.removeAllListeners("error");
    near.write(`HTTP/1.1 200 Connection established${headEnd}`);
    if (head.length > 0) near.unshift(head);
    join(near, far, clock, () => undefined);
  });
}

/** `10.1.2.3:80`, `[fd00::1]:80`: an address, never a name. Pure. */
function placeOf(authority: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(authority);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  return isIP(host) !== 0 && port > 0 && port < 65_536 ? { host, port } : undefined;
}

/** Pods in the node's own network have its address, unless that is the machine's loopback: there others listen too. Pure. */
function isPodAddress(address: string, nodeIp: string, sandboxes: readonly SandboxStatus[]): boolean {
  const ready = sandboxes.filter(({ state }) => state === "ready");
  if (ready.some(({ podIp, secondIp }) => podIp === address || secondIp === address)) return true;
  return address === nodeIp && !/^(127\.|::1$)/.test(nodeIp) && ready.some(({ podIp }) => podIp === "");
}

function refuse(near: Duplex, status: string, text: string): void {
  if (near.destroyed) return;
  near.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close${headEnd}${text}`,
  );
}
