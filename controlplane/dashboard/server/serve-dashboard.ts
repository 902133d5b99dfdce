import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Random } from "../../../base/os/random.ts";
import type { RestConfig } from "../../../client/kubeconfig.ts";
import { json, statusText } from "./answers.ts";
import { ApiWay } from "./api-way.ts";
import type { Assets } from "./assets.ts";
import { Files } from "./files/serve-files.ts";
import { followLimits, followProtocol, serveFollowing } from "./follow.ts";
import { clusterPath, forward, headText, tunnel } from "./forward.ts";
import { Forwards } from "./forwards/forwards.ts";
import { endedCookie, type Origins, secretsOf, sessionCookie, strangersRequest } from "./hygiene.ts";
import type { OidcCredentials } from "./oidc/oidc-credentials.ts";
import { type OidcOptions, Provider, SignInError } from "./oidc/provider.ts";
import { readCameBack, SignIns } from "./oidc/sign-ins.ts";
import { readJson } from "./read-json.ts";
import { type Session, type SessionSecrets, Sessions } from "./sessions.ts";
import { Usage, type UsageSource } from "./usage/usage.ts";
import type { UsageMemory } from "./usage/usage-memory.ts";
import { whoIs } from "./who-is.ts";

export interface DashboardOptions {
  /** A loopback address, unless there is `tls`. */
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Names with their ports under which people reach it, beside the address itself. */
  readonly allowedHosts: readonly string[];
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Where the cluster is. Who comes by a link looks as this configuration's user. */
  readonly cluster: RestConfig;
  /** Whether a person may come in by a token of their own. */
  readonly tokens: boolean;
  /** The provider by which a person may sign in. */
  readonly oidc?: OidcOptions | undefined;
  /** Where charts come from, instead of what the dashboard remembers itself. */
  readonly usageSource?: UsageSource | undefined;
  /** Who shows it gets links, by `POST /links` with `Authorization: Bearer …`. Absent: nobody does. */
  readonly linkSecret?: string;
}

export interface DashboardParts {
  readonly assets: Assets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What was used so far; absent: nothing is known of it yet. */
  readonly usageMemory?: UsageMemory;
}

export interface Dashboard {
  /** Where it is, with the port that it got: `http://127.0.0.1:8443`. */
  readonly url: string;
  /** A link that lets one person in, once and within an hour, as the configuration's user. */
  link(): string;
  close(): Promise<void>;
}

/** Serves the dashboard: its pages to anybody, and the cluster's API to who has a session, as the person of that session. It has no
 *  rights of its own: what it may be asked is what the API server answers to that person. */
export async function serveDashboard(options: DashboardOptions, parts: DashboardParts): Promise<Dashboard> {
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.headersTimeout = 15_000;
  // Bodies may come slowly (a file into a container), and watches last.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.address, port: options.port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const doors = new Doors(options, parts, port);
  server.on("request", (request, response) => void doors.request(request, response));
  server.on("upgrade", (request, socket, head) => void doors.upgrade(request, socket, head));
  server.on("clientError", (_error, socket) => socket.destroy());
  return {
    url: doors.url,
    link: () => doors.link(),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      doors.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

class Doors {
  readonly url: string;
  readonly sessions: Sessions;
  readonly #options: DashboardOptions;
  readonly #parts: DashboardParts;
  readonly #port: number;
  readonly #origins: Origins;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: followLimits.messageBytesMost,
    handleProtocols: () => followProtocol,
  });
  /** Sockets that left HTTP, so that `close` can end them. */
  readonly #left = new Set<Duplex>();
  readonly #files: Files;
  readonly #forwards: Forwards;
  readonly #ways = new WeakMap<RestConfig, ApiWay>();
  readonly #usage: Usage;
  readonly #signIns: SignIns | undefined;

  constructor(options: DashboardOptions, parts: DashboardParts, port: number) {
    this.#options = options;
    this.#parts = parts;
    this.#port = port;
    this.sessions = new Sessions(parts);
    this.#files = new Files(parts);
    this.#forwards = new Forwards({ ...parts, isOpen: (session) => this.sessions.isOpen(session) });
    const { cluster, usageSource: source, oidc } = options;
    const { clock, random, usageMemory: memory } = parts;
    if (oidc !== undefined) {
      const clusterAs = (token: string) => asBearer(cluster, token);
      this.#signIns = new SignIns({ provider: new Provider(oidc, clock), clock, random, clusterAs });
    }
    this.#usage = new Usage({
      ...{ way: this.#wayOf({ config: cluster }), namespace: cluster.namespace, clock, source },
      ...(memory && { memory }),
    });
    const scheme = options.tls === undefined ? "http" : "https";
    const name = options.address.includes(":") ? `[${options.address}]` : options.address;
    const loopback = ["localhost", "127.0.0.1", "[::1]"].map((host) => `${host}:${port}`);
    this.url = `${scheme}://${name}:${port}`;
    const hosts = [`${name}:${port}`, ...loopback, ...options.allowedHosts].map((host) => host.toLowerCase());
    this.#origins = { scheme, hosts: new Set(hosts) };
  }

  link(): string {
    return `${this.url}/#code=${this.sessions.offer({ config: this.#options.cluster, by: "link" })}`;
  }

  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      // Who asks is no longer known: the page shows how to come in.
      if (error instanceof SignInError && !response.headersSent)
        return statusText(response, 401, error.message);
      this.#parts.log.warn("a request failed", { path: pathOf(request), error });
      if (response.headersSent) response.destroy();
      else statusText(response, 502, error instanceof Error ? error.message : String(error));
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#left.add(socket);
    socket.once("close", () => this.#left.delete(socket));
    socket.on("error", () => socket.destroy());
    const refuse = (status: string) => socket.end(headText(status, { connection: "close" }));
    // Every browser names the page that opens a WebSocket.
    const isStrange =
      strangersRequest(request, this.#origins) !== undefined || request.headers.origin === undefined;
    const session = isStrange ? undefined : this.#sessionOf(request);
    if (session === undefined) return void refuse("403 Forbidden");
    const way = this.#wayOf(session);
    const path = clusterPath(request.url ?? "");
    try {
      if (path !== undefined) await tunnel(request, socket, { path, way, head });
      else if (request.url === "/follow")
        this.#webSockets.handleUpgrade(request, socket, head, (opened) => serveFollowing(opened, way));
      else refuse("404 Not Found");
    } catch (error) {
      this.#parts.log.warn("a WebSocket failed", { path: pathOf(request), error });
      socket.destroy();
    }
  }

  close(): void {
    for (const socket of this.#left) socket.destroy();
    this.#usage.close();
    this.#files.close();
    this.#forwards.close();
    this.#wayOf({ config: this.#options.cluster }).close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const why = strangersRequest(request, this.#origins);
    if (why !== undefined) return statusText(response, 403, why);
    const url = request.url ?? "/";
    const path = clusterPath(url);
    if (path !== undefined) {
      const session = this.#sessionOf(request);
      if (session === undefined) return statusText(response, 401, "no session: come in first");
      return forward(request, response, { path, way: this.#wayOf(session) });
    }
    const plain = pathOf(request);
    if (plain === "/usage") {
      const session = this.#sessionOf(request);
      if (session === undefined) return statusText(response, 401, "no session: come in first");
      return this.#usage.answer(new URLSearchParams(url.slice(plain.length)), response, this.#wayOf(session));
    }
    if (plain === "/oidc") return this.#beginSignIn(request, response);
    if (plain.startsWith("/files/"))
      return this.#files.answer(request, response, { path: plain, session: this.#sessionOf(request) });
    if (plain === "/forwards" || plain.startsWith("/forwards/"))
      return this.#forwards.answer(request, response, { path: plain, session: this.#sessionOf(request) });
    if (plain === "/session") return this.#session(request, response);
    if (plain === "/links") return this.#links(request, response);
    if (plain === "/healthz") return json(response, 200, { status: "ok" });
    // Each address of a view is the one page, which finds its way by itself.
    const isView = request.method === "GET" && !plain.startsWith("/assets/");
    if (!(await this.#parts.assets.serve(isView ? "/" : plain, request, response)))
      statusText(response, 404, `nothing at ${plain}`);
  }

  #links({ method, headers }: IncomingMessage, response: ServerResponse): void {
    const { linkSecret } = this.#options;
    const shown = headers.authorization?.replace(/^Bearer /, "");
    if (method !== "POST" || linkSecret === undefined || shown === undefined || !isSame(shown, linkSecret))
      statusText(response, 403, "links are for who shows the secret");
    else json(response, 200, { link: this.link() });
  }

  async #session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    if (method === "GET") {
      const session = this.#sessionOf(request);
      const { tokens, oidc } = this.#options;
      const ways = { tokens, ...(oidc && { oidc: { provider: new URL(oidc.issuer).host } }) };
      if (session === undefined) return json(response, 401, { ways });
      try {
        const user = await whoIs((await session.credentials?.current()) ?? session.config);
        return json(response, 200, { ways, by: session.by, user });
      } catch (error) {
        if (!(error instanceof SignInError)) throw error;
        return json(response, 401, { ways, why: error.message });
      }
    }
    if (method === "DELETE") {
      const secrets = secretsOf(request, this.#port);
      const session = secrets && this.sessions.find(secrets);
      if (session) {
        this.sessions.close(secrets);
        this.#forwards.endOf(session);
      }
      session?.credentials?.close();
      const signOutUrl = session?.credentials?.signOutUrl;
      return json(response, 200, { signOutUrl }, { "set-cookie": endedCookie(this.#port) });
    }
    if (method !== "POST") return statusText(response, 405, `${method} is nothing that a session knows`);
    const { code, nonce, token, signIn } = await readJson(request);
    if (signIn !== undefined) return this.#finishSignIn(signIn, response);
    if (typeof code === "string") {
      const secrets = this.sessions.redeem(code, isNonce(nonce) ? nonce : undefined);
      if (secrets === undefined)
        return statusText(
          response,
          401,
          "this link was used or is too old: `pintle dashboard` makes a new one",
        );
      return this.#admit(response, secrets);
    }
    if (typeof token !== "string" || !this.#options.tokens)
      return statusText(response, 400, `come in with a code${this.#options.tokens ? " or a token" : ""}`);
    if (!/^[\x21-\x7e]{1,16384}$/.test(token))
      return statusText(response, 400, "token: it must be one word of printable ASCII");
    const config = asBearer(this.#options.cluster, token);
    try {
      await whoIs(config);
    } catch (error) {
      return statusText(response, 401, error instanceof Error ? error.message : String(error));
    }
    return this.#admit(response, this.sessions.open({ config, by: "token" }));
  }

  /** Where the browser goes to sign in. */
  async #beginSignIn({ method, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#signIns === undefined) return statusText(response, 404, "there is no provider to sign in with");
    if (method !== "POST") return statusText(response, 405, `${method} begins no sign-in`);
    try {
      // Host was one of ours, or the request would not be here.
      json(
        response,
        200,
        await this.#signIns.begin(`${this.#origins.scheme}://${headers.host?.toLowerCase()}`),
      );
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      statusText(response, 502, error.message);
    }
  }

  /** Lets in who came back from the provider, once the API server has taken their token. */
  async #finishSignIn(given: unknown, response: ServerResponse): Promise<void> {
    const cameBack = readCameBack(given);
    if (this.#signIns === undefined || cameBack === undefined)
      return statusText(response, 400, "signIn: it must be what the provider sent you back with");
    let credentials: OidcCredentials;
    try {
      credentials = await this.#signIns.finish(cameBack);
    } catch (error) {
      if (!(error instanceof SignInError)) throw error;
      return statusText(response, 401, error.message);
    }
    const config = await credentials.current();
    try {
      await whoIs(config);
    } catch (error) {
      credentials.close();
      const why = error instanceof Error ? error.message : String(error);
      return statusText(
        response,
        401,
        `the API server does not take the provider's token (${why}): is it told of this issuer and client?`,
      );
    }
    this.#admit(response, this.sessions.open({ config, by: "oidc", credentials }));
  }

  #admit(response: ServerResponse, secrets: SessionSecrets): void {
    json(
      response,
      200,
      { key: secrets.key },
      {
        "set-cookie": sessionCookie(secrets, this.#port, this.#origins.scheme),
      },
    );
  }

  #sessionOf(request: IncomingMessage): Session | undefined {
    const secrets = secretsOf(request, this.#port);
    return secrets === undefined ? undefined : this.sessions.find(secrets);
  }

  #wayOf({ config, credentials }: Pick<Session, "config" | "credentials">): ApiWay {
    let way = this.#ways.get(config);
    if (way === undefined) {
      way = new ApiWay(config, this.#parts.clock, credentials);
      this.#ways.set(config, way);
    }
    return way;
  }
}

/** Takes as long for any text. */
function isSame(one: string, other: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split("?", 1)[0] ?? "/";

/** The same cluster, asked by whoever has the token: nothing of the configuration's own user goes along. */
function asBearer({ servers, caPem, serverName, insecureSkipVerify }: RestConfig, token: string): RestConfig {
  return {
    servers,
    token,
    namespace: "default",
    ...(caPem !== undefined && { caPem }),
    ...(serverName !== undefined && { serverName }),
    ...(insecureSkipVerify !== undefined && { insecureSkipVerify }),
  };
}

/** What a browser makes up, so that it may ask again when our answer was lost. */
const isNonce = (value: unknown): value is string => typeof value === "string" && /^[\w-]{43}$/.test(value);
