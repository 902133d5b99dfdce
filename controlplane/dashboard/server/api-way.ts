import * as http from "node:http";
import * as https from "node:https";
import type { Clock } from "../../../base/os/clock.ts";
import { type Credentials, credentialsOf } from "../../../client/credentials.ts";
import { tlsOptions } from "../../../client/http/tls-options.ts";
import { identityHeaders } from "../../../client/identity-headers.ts";
import type { RestConfig } from "../../../client/kubeconfig.ts";

export const wayLimits = {
  /** Connections to API servers of one person: what is asked at once, and what lasts. */
  shortMost: 16,
  lastingMost: 256,
  idleSocketMs: 90_000,
  connectMs: 5_000,
} as const;

/** A request as it goes to an API server, who asks aside. */
export interface ApiRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly lasting: boolean;
}

/** Requests to the cluster's API servers as one person, for whoever passes them on byte by byte. Prefers the server that answered
 *  last; one that cannot be connected to gives way to the next with the request after. */
export class ApiWay {
  readonly #config: RestConfig;
  readonly #credentials: Credentials | undefined;
  #agents: { readonly of: RestConfig; readonly short: http.Agent; readonly lasting: http.Agent } | undefined;
  #preferred = 0;

  /** @param credentials Who asks, where the configuration does not say. */
  constructor(config: RestConfig, clock: Clock, credentials = credentialsOf(config, { clock })) {
    this.#config = config;
    this.#credentials = credentials;
  }

  /** The request, to be written and ended by the caller. Rejects with CredentialError where nobody can say who asks. */
  async begin(request: ApiRequest): Promise<http.ClientRequest> {
    const config = (await this.#credentials?.current()) ?? this.#config;
    const at = this.#preferred % config.servers.length;
    const server = new URL(config.servers[at] ?? "");
    const isSecure = server.protocol === "https:";
    const { short, lasting } = this.#agentsOf(config, isSecure);
    const outgoing = (isSecure ? https : http).request(
      new URL(server.pathname.replace(/\/$/, "") + request.path, server),
      {
        method: request.method,
        headers: { "user-agent": "pintle-dashboard", ...request.headers, ...identityHeaders(config) },
        agent: request.lasting ? lasting : short,
      },
    );
    const isFirst = () => this.#preferred % config.servers.length === at;
    let isAnswered = false;
    outgoing.once("response", () => {
      isAnswered = true;
    });
    outgoing.once("error", () => {
      if (!isAnswered && isFirst()) this.#preferred = (at + 1) % config.servers.length;
    });
    outgoing.once("socket", (socket) => {
      if (!socket.connecting) return;
      const giveUp = setTimeout(
        () => outgoing.destroy(new Error(`cannot connect to ${server.host}`)),
        wayLimits.connectMs,
      );
      socket.once(isSecure ? "secureConnect" : "connect", () => clearTimeout(giveUp));
      socket.once("close", () => clearTimeout(giveUp));
    });
    return outgoing;
  }

  close(): void {
    this.#agents?.short.destroy();
    this.#agents?.lasting.destroy();
  }

  #agentsOf(
    config: RestConfig,
    isSecure: boolean,
  ): { readonly short: http.Agent; readonly lasting: http.Agent } {
    if (this.#agents?.of === config) return this.#agents;
    // What is under way with the old agents ends by itself, and their idle connections soon do.
    const pool = { keepAlive: true, timeout: wayLimits.idleSocketMs };
    const agent = (maxSockets: number) =>
      isSecure
        ? new https.Agent({ ...pool, maxSockets, ...tlsOptions(config) })
        : new http.Agent({ ...pool, maxSockets });
    this.#agents = { of: config, short: agent(wayLimits.shortMost), lasting: agent(wayLimits.lastingMost) };
    return this.#agents;
  }
}
