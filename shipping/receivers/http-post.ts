import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Verdict } from "../core/verdict.ts";
import { type Access, authorizationOf, type TlsTexts, tlsTexts } from "./access.ts";

export interface HttpReply {
  readonly status: number;
  readonly body: Buffer;
  readonly retryAfterMs: number | undefined;
}

const replyBytesMax = 16 * 1024 * 1024;
const whyCharsMax = 300;
const compress = promisify(gzip);

/** Posts bodies to one server over a connection that is kept. */
export class HttpPost {
  readonly #access: Access;
  #agent: HttpAgent | HttpsAgent | undefined;
  #tls = "";

  constructor(access: Access) {
    this.#access = access;
  }

  /** Rejects when no answer came, or a file that is needed cannot be read. */
  async post(
    path: string,
    body: Uint8Array,
    { contentType, signal }: { readonly contentType: string; readonly signal: AbortSignal },
  ): Promise<HttpReply> {
    const { url, gzip: packs, headers } = this.#access;
    const authorization = await authorizationOf(this.#access);
    const tls = await tlsTexts(this.#access);
    // Of all that our lines say twice, level 1 finds nearly all that others do.
    const sent = packs ? await compress(body, { level: 1 }) : body;
    return this.#exchange(
      new URL(url.pathname.replace(/\/$/, "") + path, url),
      {
        "content-type": contentType,
        ...headers,
        "content-length": String(sent.length),
        ...(packs && { "content-encoding": "gzip" }),
        ...(authorization !== undefined && { authorization }),
      },
      { body: sent, tls, signal },
    );
  }

  close(): void {
    this.#agent?.destroy();
  }

  #exchange(
    url: URL,
    headers: Record<string, string>,
    {
      body,
      tls,
      signal,
    }: { readonly body: Uint8Array; readonly tls: TlsTexts; readonly signal: AbortSignal },
  ): Promise<HttpReply> {
    const { timeoutMs } = this.#access;
    return new Promise((resolve, reject) => {
      const options = { method: "POST", headers, agent: this.#agentFor(url, tls), signal };
      const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options, (response) => {
        readAll(response).then(resolve, reject).finally(stopTimer);
      });
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const stopTimer = () => clearTimeout(timer);
      request.on("error", (error) => {
        stopTimer();
        reject(error);
      });
      request.end(body);
    });
  }

  /** A new one when certificates have changed. */
  #agentFor(url: URL, tls: TlsTexts): HttpAgent | HttpsAgent {
    const said = JSON.stringify(tls);
    if (this.#agent === undefined || said !== this.#tls) {
      this.#agent?.destroy();
      this.#tls = said;
      const kept = { keepAlive: true, maxSockets: 1 };
      this.#agent = url.protocol === "https:" ? new HttpsAgent({ ...kept, ...tls }) : new HttpAgent(kept);
    }
    return this.#agent;
  }
}

async function readAll(response: IncomingMessage): Promise<HttpReply> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > replyBytesMax) throw new Error(`the answer is longer than ${replyBytesMax} bytes`);
    pieces.push(piece);
  }
  const seconds = Number(response.headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) * 1000 : undefined;
  return { status: response.statusCode ?? 0, body: Buffer.concat(pieces), retryAfterMs };
}

/** What a status means where nothing else is said: only what blames the body is its fault. Who is not let in, or finds nobody at
 *  the path, waits for somebody to put that right. */
export function verdictOfStatus({ status, body, retryAfterMs }: HttpReply): Verdict {
  if (status >= 200 && status < 300) return { kind: "taken" };
  const why = `HTTP ${status}: ${shownText(body.toString("utf8", 0, 4 * whyCharsMax))}`;
  if ([400, 413, 422].includes(status)) return { kind: "refused", why };
  return { kind: "later", why, ...(retryAfterMs !== undefined && { afterMs: retryAfterMs }) };
}

/** A line of bounded length, of what a server said. */
export function shownText(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, whyCharsMax);
}
