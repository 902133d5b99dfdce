import { type ClientHttp2Session, connect } from "node:http2";
import { ApiClient, requestBytes } from "./client.ts";
import type { ApiAccess } from "./peers.ts";

/** Open watches of one path; `close` ends them. */
export interface Watches {
  readonly close: () => void;
}

export interface WatchesOptions {
  readonly watchers: number;
  /** Each watch has a connection of its own (HTTP/1.1), or they share so many (HTTP/2). */
  readonly connections: "each" | number;
  /** Gets what comes for one of the watches. */
  readonly onBytes: (watcher: number, bytes: Buffer) => void;
}

export function openWatches(access: ApiAccess, path: string, options: WatchesOptions): Promise<Watches> {
  const { connections } = options;
  return connections === "each"
    ? openAlone(access, path, options)
    : openShared(access, path, options, connections);
}

async function openAlone(
  access: ApiAccess,
  path: string,
  { watchers, onBytes }: WatchesOptions,
): Promise<Watches> {
  const clients: ApiClient[] = [];
  for (let n = 0; n < watchers; n++) {
    const client = await ApiClient.open(access);
    clients.push(client);
    client.stream(requestBytes("GET", path), (bytes) => onBytes(n, bytes));
  }
  return {
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

async function openShared(
  access: ApiAccess,
  path: string,
  { watchers, onBytes }: WatchesOptions,
  connections: number,
): Promise<Watches> {
  const sessions = await Promise.all(Array.from({ length: connections }, () => openSession(access)));
  for (let n = 0; n < watchers; n++) {
    const stream = sessions[n % connections]?.request({ ":path": path, accept: "application/json" });
    stream?.on("data", (bytes: Buffer) => onBytes(n, bytes));
    stream?.on("error", () => stream.destroy());
  }
  return {
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function openSession({
  port,
  caPem: ca,
  certificatePem: cert,
  keyPem: key,
}: ApiAccess): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://127.0.0.1:${port}`, { ca, cert, key, servername: "localhost" });
    session.once("error", reject);
    session.once("remoteSettings", () => {
      session.off("error", reject);
      session.on("error", () => session.destroy());
      resolve(session);
    });
  });
}
