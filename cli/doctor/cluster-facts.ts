import { isIP } from "node:net";
import { connect } from "node:tls";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import type { Lease, Node } from "../../client/types.ts";

/** What is looked at of a cluster, beside what `pintle why` finds. Text in place of a value says why it could not be had. */
export interface ClusterFacts {
  readonly server: string;
  readonly version: string | Unread;
  /** Lines of `/readyz?verbose`. */
  readonly ready: string | Unread;
  readonly leases: readonly Lease[] | Unread;
  readonly nodes: readonly Node[] | Unread;
  /** Certificates that people and servers show, by what they are for. */
  readonly certificates: readonly { readonly of: string; readonly notAfterMs: number }[];
  /** How far the server's clock is before ours. */
  readonly aheadMs: number | Unread;
}

export interface Unread {
  readonly unread: string;
}

export const isUnread = (value: unknown): value is Unread =>
  typeof value === "object" && value !== null && "unread" in value;

const askMs = 5000;

async function orUnread<T>(asked: Promise<T>): Promise<T | Unread> {
  try {
    return await asked;
  } catch (error) {
    return { unread: error instanceof Error ? error.message : String(error) };
  }
}

export async function readClusterFacts(client: RestClient, signal: AbortSignal): Promise<ClusterFacts> {
  const { config } = client;
  const [server = ""] = config.servers.map(String);
  const options = { timeoutMs: askMs, signal: AbortSignal.any([signal]) };
  const [version, ready, leases, nodes, shown] = await Promise.all([
    orUnread(
      client.raw("GET", "/version", undefined, options).then((text) => String(JSON.parse(text).gitVersion)),
    ),
    orUnread(client.raw("GET", "/readyz", undefined, { ...options, query: { verbose: true } })),
    orUnread(
      client.list(resources.leases, { ...options, namespace: "kube-system" }).then(({ items }) => items),
    ),
    orUnread(client.list(resources.nodes, options).then(({ items }) => items)),
    shownBy(server),
  ]);
  return {
    server,
    version,
    ready,
    leases,
    nodes,
    certificates: [...shown.certificates],
    aheadMs: shown.aheadMs,
  };
}

interface Shown {
  readonly certificates: ClusterFacts["certificates"];
  readonly aheadMs: number | Unread;
}

/** The certificate that a server shows, and its clock; it is only looked at, nothing is asked of it with rights. */
function shownBy(server: string): Promise<Shown> {
  return new Promise((resolve) => {
    let url: URL;
    try {
      url = new URL(server);
    } catch {
      return resolve({ certificates: [], aheadMs: { unread: `${server} is no URL` } });
    }
    const socket = connect({
      host: url.hostname,
      port: Number(url.port || 443),
      ...(isIP(url.hostname) === 0 && { servername: url.hostname }),
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    socket.setTimeout(askMs, () => socket.destroy(new Error("no answer")));
    let text = "";
    let certificates: ClusterFacts["certificates"] = [];
    const end = (aheadMs: Shown["aheadMs"]) => {
      socket.destroy();
      resolve({ certificates, aheadMs });
    };
    socket.once("secureConnect", () => {
      const { valid_to: until } = socket.getPeerCertificate();
      if (until) certificates = [{ of: "the API server's", notAfterMs: Date.parse(until) }];
      socket.write(`GET /livez HTTP/1.1\r\nhost: ${url.host}\r\nconnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const date = /^date: (.+)\r$/im.exec(text)?.[1];
      if (date !== undefined) end(Date.parse(date) - Date.now());
      else if (text.length > 16_384 || text.includes("\r\n\r\n"))
        end({ unread: "the server does not say its time" });
    });
    socket.once("error", (error) => end({ unread: error.message }));
    socket.once("close", () => end({ unread: "the server closed the connection" }));
  });
}
