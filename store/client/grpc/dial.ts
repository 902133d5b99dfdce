import { connect, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, TLSSocket } from "node:tls";
import type { Endpoint } from "../endpoints.ts";

/** PEM texts; without `ca` the system's authorities are trusted. */
export interface ClientTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** The name to check the server's certificate against in place of the endpoint's host. */
  readonly serverName?: string;
  readonly skipVerify?: boolean;
}

/** Where to connect to: what `net.connect` takes. */
export function addressOf({
  address,
  isSocket,
}: Endpoint): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (isSocket) return { path: address };
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

/** Begins to connect; `onConnected` is called once the server may be spoken to, after TLS where the endpoint has it. A failure
 *  is the socket's `error`. */
export function dial(endpoint: Endpoint, tls: ClientTls, onConnected: () => void): Socket {
  const to = addressOf(endpoint);
  if (!endpoint.secure) return connect({ ...to, noDelay: true }).once("connect", onConnected);
  const name = tls.serverName ?? ("host" in to ? to.host : "localhost");
  const socket = connectTls({
    ...to,
    ca: tls.ca,
    cert: tls.certificate,
    key: tls.key,
    servername: isIP(name) === 0 ? name : "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: tls.skipVerify !== true,
    ALPNProtocols: ["h2"],
  });
  return socket.setNoDelay().once("secureConnect", () => {
    if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") onConnected();
    else socket.destroy(new Error("the server does not speak HTTP/2"));
  });
}
