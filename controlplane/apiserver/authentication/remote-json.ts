import { Agent, request as httpsRequest } from "node:https";
import type { Clock } from "../../../base/os/clock.ts";
import { trusting } from "../../../base/os/trust.ts";

/** How a server elsewhere is asked over HTTPS. PEM. */
export interface RemoteAccess {
  /** Its authority; absent: those that the system trusts. */
  readonly caPem?: string | undefined;
  readonly certificatePem?: string | undefined;
  readonly privateKeyPem?: string | undefined;
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

export interface RemoteRequest {
  readonly url: string;
  /** Absent: GET. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** That it was taken is all that is asked. */
  readonly ignoresAnswer?: true;
}

/** Nobody needs more to say who a user is, or for its keys. */
const answerBytesMax = 1024 * 1024;
const answerMsMax = 10_000;

/** An answer with another status than 2xx. */
export class RemoteRefusal extends Error {
  override readonly name = "RemoteRefusal";
  readonly code: number;
  constructor(code: number) {
    super(`the server answered with status ${code}`);
    this.code = code;
  }
}

/** Asks such a server: one answer of bounded size within a bounded time, redirects not followed. */
export class RemoteJson {
  readonly #agent: Agent;
  readonly #clock: Clock;

  constructor(access: RemoteAccess, clock: Clock) {
    const { caPem, certificatePem, privateKeyPem, serverName, insecureSkipVerify } = access;
    this.#clock = clock;
    this.#agent = new Agent({
      // Rarely asked, and so nothing stays open.
      keepAlive: false,
      maxSockets: 16,
      minVersion: "TLSv1.2",
      ...(caPem !== undefined && trusting(caPem)),
      ...(certificatePem !== undefined && { cert: certificatePem }),
      ...(privateKeyPem !== undefined && { key: privateKeyPem }),
      ...(serverName !== undefined && { servername: serverName }),
      ...(insecureSkipVerify === true && { rejectUnauthorized: false }),
    });
  }

  /** The answer as JSON. Rejects with an Error that says what went wrong. */
  ask({ url, body, headers = {}, ignoresAnswer }: RemoteRequest): Promise<unknown> {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(url, {
        agent: this.#agent,
        method: bytes === undefined ? "GET" : "POST",
        headers: {
          Accept: "application/json",
          ...(bytes && { "Content-Type": "application/json", "Content-Length": bytes.length }),
          ...headers,
        },
      });
      const cancel = this.#clock.after(answerMsMax, () =>
        request.destroy(new Error(`no answer within ${answerMsMax / 1000} s`)),
      );
      request.on("close", cancel);
      request.on("error", reject);
      request.on("response", (response) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.length;
          if (sizeBytes > answerBytesMax)
            request.destroy(new Error(`the answer is longer than ${answerBytesMax} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode = 0 } = response;
          if (statusCode < 200 || statusCode > 299) return reject(new RemoteRefusal(statusCode));
          if (ignoresAnswer) return resolve(undefined);
          try {
            resolve(JSON.parse(Buffer.concat(chunks).toString("utf8")));
          } catch {
            reject(new Error("the answer is not JSON"));
          }
        });
      });
      request.end(bytes);
    });
  }
}
