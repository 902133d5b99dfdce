import { UsageError } from "../base/os/flags.ts";
import { checkPeerUrl } from "./membership/initial-cluster.ts";

/** An address to listen on. */
export type ListenUrl = { readonly url: string; readonly tls: boolean } & (
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string }
);

/** Reads a URL to listen on; `unix://` and `unixs://` name a socket's path where `sockets` are allowed. Throws UsageError. */
export function listenUrl(flag: string, text: string, options: { readonly sockets: boolean }): ListenUrl {
  const socket = socketUrl(text);
  if (socket !== undefined) {
    if (options.sockets) return { url: text, ...socket };
    throw new UsageError(`--${flag}: "${text}" is no address that other members could reach`);
  }
  const url = naming(`--${flag}`, () => checkPeerUrl(text));
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (!/^[\d.]+$/.test(host) && !host.includes(":") && host !== "localhost")
    throw new UsageError(`--${flag}: "${text}" must name an IP address to listen on, or localhost`);
  const tls = protocol === "https:";
  // URL leaves a scheme's own port out
  return { url, host, port: port === "" ? (tls ? 443 : 80) : Number(port), tls };
}

/** The rule for addresses that clients are told. Throws with it. */
export function checkClientUrl(text: string): string {
  return socketUrl(text) === undefined ? checkPeerUrl(text) : text;
}

/** `unix:///run/store.sock`, or relative to the working directory `unix://store.sock`, as etcd reads it. */
function socketUrl(text: string): { readonly socketPath: string; readonly tls: boolean } | undefined {
  const match = /^unix(s?):\/\/([^\0?#]+)$/.exec(text);
  return match === null ? undefined : { socketPath: match[2] ?? "", tls: match[1] === "s" };
}

/** What a check throws, with the flag's name before it. */
export function naming<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : error}`);
  }
}
