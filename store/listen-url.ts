import { UsageError } from "../base/os/flags.ts";
import { checkPeerUrl, socketUrl } from "./membership/initial-cluster.ts";

/** An address to listen on. */
export type ListenUrl = {
  readonly url: string;
  readonly tls: boolean;
  /** Without TLS, too: the first byte of a connection tells. */
  readonly alsoPlain?: true;
} & ({ readonly host: string; readonly port: number } | { readonly socketPath: string });

/** Reads a URL to listen on; `unix://` and `unixs://` name a socket's path. Throws UsageError. */
export function listenUrl(flag: string, text: string): ListenUrl {
  const socket = socketUrl(text);
  if (socket !== undefined) return { url: text, ...socket };
  const url = naming(`--${flag}`, () => checkPeerUrl(text));
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (!/^[\d.]+$/.test(host) && !host.includes(":") && host !== "localhost")
    throw new UsageError(`--${flag}: "${text}" must name an IP address to listen on, or localhost`);
  const tls = protocol === "https:";
  // URL leaves a scheme's own port out
  return { url, host, port: port === "" ? (tls ? 443 : 80) : Number(port), tls };
}

/** Each address once: one that is given with TLS and without it serves both. */
export function byAddress(urls: readonly ListenUrl[]): readonly ListenUrl[] {
  const found = new Map<string, ListenUrl>();
  for (const [at, url] of urls.entries()) {
    // Any free port is another one each time.
    const key =
      "socketPath" in url ? url.socketPath : url.port === 0 ? `any ${at}` : `${url.host} ${url.port}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, url);
    else if (known.tls !== url.tls) found.set(key, { ...(known.tls ? known : url), alsoPlain: true });
  }
  return [...found.values()];
}

/** What a check throws, with the flag's name before it. */
export function naming<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${flag}: ${error instanceof Error ? error.message : error}`);
  }
}
