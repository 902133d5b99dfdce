import { Agent, request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { deferred } from "../../../base/deferred.ts";
import { dialText } from "../../../base/dial-text.ts";
import { trusting } from "../../../base/os/trust.ts";
import { spanned, traceHeaders } from "../../../base/tracing/active-span.ts";
import { type Dialer, serviceConnections } from "../reach/dialer.ts";
import type { Within } from "../reach/within.ts";

/** Where a webhook is. */
export interface HookAddress {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly port: number;
    readonly path?: string;
  };
  /** PEM; absent: the authorities that the system trusts. */
  readonly authorityPem?: string;
}

export interface HookQuestion {
  readonly body: string;
  /** Told to the webhook in the query; whoever asks ends the question by the signal. */
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
  readonly answerBytesMax: number;
}

export interface HookAnswer {
  readonly code: number;
  readonly contentType: string;
  readonly text: string;
}

/** Agents that are kept: as many as Kubernetes keeps clients. */
const agentsMax = 200;
const connectionsMax = 128;
const idleMs = 60_000;

/** HTTPS to webhooks, over connections that stay open, a pool for each webhook and authority. Redirects are not followed: who
 *  is asked, the configuration says. */
export class HookClients {
  readonly #dialer: Dialer;
  readonly #within: Within["hook"];
  readonly #agents = new Map<string, Agent>();

  /** @param within Those that answer in this process. */
  constructor(dialer: Dialer, within: Within["hook"] = undefined) {
    this.#dialer = dialer;
    this.#within = within;
  }

  /** Rejects with the signal's reason, or with an Error in Go's words. */
  async post(address: HookAddress, question: HookQuestion): Promise<HookAnswer> {
    const near = this.#within?.(shownUrl(address, undefined));
    if (near !== undefined) return answeredHere(near, question);
    const attributes = () => ({ "url.full": shownUrl(address, undefined) });
    return spanned({ name: "HTTP POST", kind: "client", attributes }, () => this.#send(address, question));
  }

  #send(address: HookAddress, question: HookQuestion): Promise<HookAnswer> {
    const url = hookUrl(address, question.timeoutSeconds);
    const body = Buffer.from(question.body);
    return new Promise((resolve, reject) => {
      const { signal, answerBytesMax } = question;
      const fail = (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(signal.aborted ? signal.reason : new Error(failureText(error, url)));
      };
      const request = httpsRequest(url, {
        agent: this.#agentFor(address, url),
        method: "POST",
        headers: {
          Accept: "application/json, */*",
          "Content-Type": "application/json",
          "Content-Length": body.length,
          "User-Agent": "kube-apiserver-admission",
          ...traceHeaders(),
        },
      });
      const onAbort = () => request.destroy(new Error("nobody waits any more"));
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      request.on("error", fail);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          chunks.push(chunk);
          if (sizeBytes > answerBytesMax) request.destroy(new TooLong(answerBytesMax));
        });
        response.on("error", fail);
        response.on("aborted", () => fail(new Error("unexpected EOF")));
        response.on("end", () => {
          signal.removeEventListener("abort", onAbort);
          resolve({
            code: response.statusCode ?? 0,
            contentType: response.headers["content-type"] ?? "application/json",
            text: Buffer.concat(chunks).toString("utf8"),
          });
        });
      });
      request.end(body);
    });
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** The one that was asked last is the last to go. One that goes closes its connections once they are idle. */
  #agentFor(address: HookAddress, { host }: URL): Agent {
    const key = JSON.stringify([host, address.service !== undefined, address.authorityPem]);
    const agent = this.#agents.get(key) ?? this.#newAgent(address);
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    const [oldest] = this.#agents.keys();
    if (this.#agents.size > agentsMax && oldest !== undefined) this.#agents.delete(oldest);
    return agent;
  }

  #newAgent({ service, authorityPem }: HookAddress): Agent {
    const tls: ConnectionOptions = {
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      ...(authorityPem !== undefined && trusting(authorityPem)),
      ...(service && { servername: serviceHost(service) }),
    };
    const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, timeout: idleMs, ...tls });
    if (service !== undefined)
      Object.assign(agent, { createConnection: serviceConnections(this.#dialer, service, tls) });
    return agent;
  }
}

/** Whoever is late is not waited for. */
async function answeredHere(
  near: (question: HookQuestion) => Promise<HookAnswer>,
  question: HookQuestion,
): Promise<HookAnswer> {
  const { signal, answerBytesMax } = question;
  signal.throwIfAborted();
  const late = deferred<never>();
  const onAbort = () => late.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const answer = await Promise.race([near(question), late.promise]);
    if (answer.text.length > answerBytesMax) throw new TooLong(answerBytesMax);
    return answer;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

class TooLong extends Error {
  constructor(bytesMax: number) {
    super(`the answer is longer than ${bytesMax} bytes`);
  }
}

const serviceHost = ({ name, namespace }: { readonly name: string; readonly namespace: string }) =>
  `${name}.${namespace}.svc`;

function hookUrl(address: HookAddress, timeoutSeconds: number | undefined): URL {
  if (address.service === undefined && !address.url)
    throw new Error("webhook configuration must have either service or URL");
  return new URL(shownUrl(address, timeoutSeconds));
}

/** What is asked, as Go shows it, who keeps the port that is everybody's where it was given. */
export function shownUrl({ url = "", service }: HookAddress, timeoutSeconds: number | undefined): string {
  const [, origin = "", path = ""] = /^([a-z]+:\/\/[^/]*)(.*)$/i.exec(url) ?? [];
  const asked =
    service === undefined
      ? `${origin}${cleanPath(path)}`
      : `https://${serviceHost(service)}:${service.port}${cleanPath(service.path ?? "")}`;
  return timeoutSeconds === undefined ? asked : `${asked}?timeout=${timeoutSeconds}s`;
}

/** As Go's path.Join gives it: from the root, no empty parts, no `.` and `..`, no slash at its end. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/"))
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  return `/${parts.join("/")}`;
}

function failureText(error: unknown, { hostname, port }: URL): string {
  if (!(error instanceof Error)) return String(error);
  const host = hostname.replace(/^\[|\]$/g, "");
  if ("code" in error && error.code === "ECONNRESET") return "EOF";
  return dialText(error, { host, port: port === "" ? 443 : Number(port) });
}
