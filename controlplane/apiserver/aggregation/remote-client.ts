import { Agent, type AgentOptions, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { trusting } from "../../../base/os/trust.ts";
import type { User } from "../filters/authentication.ts";
import { type Dialer, serviceConnections } from "../reach/dialer.ts";
import type { RemoteVersion } from "./service-table.ts";

/** This server's certificate as a front proxy, PEM; absent: remote servers do not know it. */
export interface ProxyCertificate {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Connections to remote servers, kept for each as long as its APIService says the same. */
export class RemoteClient {
  readonly #dialer: Dialer;
  readonly #certificate: ProxyCertificate;
  readonly #agents = new Map<string, { readonly of: string; readonly agent: Agent }>();

  constructor(dialer: Dialer, certificate: ProxyCertificate) {
    this.#dialer = dialer;
    this.#certificate = certificate;
  }

  /** The request is the caller's to end. */
  request(
    remote: RemoteVersion,
    { method, path, headers, signal }: RemoteRequest,
  ): ReturnType<typeof httpsRequest> {
    return httpsRequest({
      agent: this.#agent(remote),
      method,
      path,
      headers: [...headers],
      ...(signal && { signal }),
    });
  }

  /** Forgets connections to those that are gone. */
  keep(remotes: readonly RemoteVersion[]): void {
    const names = new Set(remotes.map(({ name }) => name));
    for (const [name, { agent }] of this.#agents)
      if (!names.has(name)) {
        agent.destroy();
        this.#agents.delete(name);
      }
  }

  close(): void {
    this.keep([]);
  }

  #agent(remote: RemoteVersion): Agent {
    const { service, caBundle, skipsVerification, name } = remote;
    const of = JSON.stringify([service, caBundle, skipsVerification]);
    const known = this.#agents.get(name);
    if (known?.of === of) return known.agent;
    known?.agent.destroy();
    const { cert, key } = this.#certificate;
    const connect = serviceConnections(this.#dialer, service, {
      servername: `${service.name}.${service.namespace}.svc`,
      ...(caBundle !== undefined && trusting(caBundle)),
      ...(skipsVerification && { rejectUnauthorized: false }),
      ...(cert !== undefined && key !== undefined && { cert, key }),
      ALPNProtocols: ["http/1.1"],
    });
    const agent = new DialingAgent({ keepAlive: true }, connect);
    this.#agents.set(name, { of, agent });
    return agent;
  }
}

export interface RemoteRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values, one after the other. */
  readonly headers: readonly string[];
  readonly signal?: AbortSignal;
}

type Connect = ReturnType<typeof serviceConnections>;

/** An agent whose connections lead to a service, wherever that is at the time. */
class DialingAgent extends Agent {
  readonly #connect: Connect;

  constructor(options: AgentOptions, connect: Connect) {
    super(options);
    this.#connect = connect;
  }

  override createConnection(
    options: Parameters<Connect>[0],
    oncreate: Parameters<Connect>[1],
  ): Duplex | null | undefined {
    return this.#connect(options, oncreate);
  }
}

/** Who asks, as the remote server is told. */
export function userHeaders({ name, uid, groups, extra = {} }: User): string[] {
  const headers = ["X-Remote-User", name];
  if (uid !== undefined && uid !== "") headers.push("X-Remote-Uid", uid);
  for (const group of groups) headers.push("X-Remote-Group", group);
  for (const [key, values] of Object.entries(extra))
    for (const value of values) headers.push(`X-Remote-Extra-${escaped(key)}`, value);
  return headers.map((text) => Buffer.from(text, "utf8").toString("latin1"));
}

/** Whatever is no letter of a header's name, and what stands for others in it. */
function escaped(key: string): string {
  return key.replaceAll(/[^!#$&'*+.^_`|~0-9A-Za-z-]/g, (char) =>
    [...Buffer.from(char, "utf8")]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}
