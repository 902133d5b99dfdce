import * as http from "node:http";
import * as https from "node:https";
import { ImageError } from "./image.ts";
import { isRecord } from "./image-documents.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export const registryLimits = {
  answerMs: 30_000,
  redirectsMost: 5,
  documentBytesMost: 4 * 1024 * 1024,
} as const;

export interface RegistryOptions {
  /** Ends in /v2/. */
  readonly base: URL;
  readonly credentials: Credentials | undefined;
  /** Whom to trust, and as whom to speak, by TLS. */
  readonly agent?: https.Agent | undefined;
  /** The registry that it mirrors: one that mirrors several is told which. */
  readonly upstream?: string;
}

/** One registry, spoken to by the distribution API (distribution-spec 1.1). Failures are ImageErrors. */
export class Registry {
  readonly #base: URL;
  readonly #credentials: Credentials | undefined;
  readonly #agent: https.Agent | undefined;
  readonly #upstream: string | undefined;
  #authorization: string | undefined;
  #isUnreachable = false;

  constructor({ base, credentials, agent, upstream }: RegistryOptions) {
    this.#base = base;
    this.#credentials = credentials;
    this.#agent = agent;
    this.#upstream = upstream;
  }

  /** The last attempt brought no answer at all. */
  get isUnreachable(): boolean {
    return this.#isUnreachable;
  }

  /** GET below /v2/. An answer of 401 is met by its challenge, once. The body is the caller's to read or destroy. */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const url = new URL(path, this.#base);
    if (this.#upstream !== undefined) url.searchParams.set("ns", this.#upstream);
    for (let challenged = false; ; challenged = true) {
      const own =
        this.#authorization === undefined ? headers : { ...headers, authorization: this.#authorization };
      const answer = await this.#follow(url, own, signal);
      if (answer.statusCode !== 401 || challenged) return this.#checked(answer, url);
      answer.resume();
      this.#authorization = await this.#meet(answer.headers["www-authenticate"] ?? "", signal);
    }
  }

  async #follow(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    this.#isUnreachable = true;
    const answer = await follow(url, headers, this.#agent, signal);
    this.#isUnreachable = false;
    return answer;
  }

  #checked(answer: http.IncomingMessage, url: URL): http.IncomingMessage {
    const code = answer.statusCode ?? 0;
    if (code >= 200 && code < 300) return answer;
    answer.resume();
    const where = `${url.host}${url.pathname}`;
    if (code === 401 || code === 403) throw new ImageError(`pull access denied (${code}) at ${where}`);
    throw new ImageError(code === 404 ? `not found: ${where}` : `unexpected status ${code} from ${where}`);
  }

  /** The Authorization that a challenge asks for: Basic as it is, Bearer by a token from its realm. */
  async #meet(challenge: string, signal: AbortSignal): Promise<string> {
    const basic =
      this.#credentials &&
      `Basic ${Buffer.from(`${this.#credentials.username}:${this.#credentials.password}`).toString("base64")}`;
    const [scheme = ""] = challenge.split(" ");
    if (scheme.toLowerCase() === "basic") {
      if (basic === undefined) throw new ImageError(`${this.#base.host} asks for a user name and password`);
      return basic;
    }
    const given = new Map(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    const realm = given.get("realm");
    if (scheme.toLowerCase() !== "bearer" || realm === undefined || !URL.canParse(realm))
      throw new ImageError(`${this.#base.host} asks for an unknown authorization`);
    const url = new URL(realm);
    // Whoever listens to a registry that is spoken to in private is not to hear the password either.
    if (url.protocol !== "https:" && url.protocol !== this.#base.protocol)
      throw new ImageError(`${this.#base.host} asks for a token from ${url.protocol}`);
    for (const name of ["service", "scope"])
      if (given.has(name)) url.searchParams.set(name, given.get(name) ?? "");
    const answer = await this.#follow(url, basic === undefined ? {} : { authorization: basic }, signal);
    const document = parsed(await readDocument(this.#checked(answer, url)));
    const token = isRecord(document) ? (document.token ?? document.access_token) : undefined;
    if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
      throw new ImageError(`${url.host} answered no token`);
    return `Bearer ${token}`;
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

export async function readDocument(answer: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > registryLimits.documentBytesMost) throw new ImageError("the registry's answer is too long");
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** GET, redirects followed. Credentials are for the host that was asked, not for where it sends us. */
async function follow(
  from: URL,
  headers: Readonly<Record<string, string>>,
  agent: https.Agent | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  let url = from;
  for (let redirects = 0; redirects <= registryLimits.redirectsMost; redirects++) {
    const { authorization, ...others } = headers;
    const sent = url.host === from.host && authorization !== undefined ? headers : others;
    const answer = await request(url, sent, agent, signal);
    const location = answer.headers.location;
    if (![301, 302, 303, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) return answer;
    answer.resume();
    url = new URL(location, url);
    if (url.protocol !== "https:" && url.protocol !== from.protocol)
      throw new ImageError(`${from.host} redirects to ${url.protocol}`);
  }
  throw new ImageError(`too many redirects from ${from.host}`);
}

function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  agent: https.Agent | undefined,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const client = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const sent = client.get(
      url,
      {
        headers: { "user-agent": "pintle", ...headers },
        signal,
        timeout: registryLimits.answerMs,
        ...(url.protocol === "https:" && agent !== undefined && { agent }),
      },
      resolve,
    );
    sent.once("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.once("error", (cause) => reject(new ImageError(`cannot reach ${url.host}`, { cause })));
  });
}
