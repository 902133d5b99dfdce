import * as http from "node:http";
import * as https from "node:https";
import type { Clock } from "../../../base/os/clock.ts";
import { trusting } from "../../../base/os/trust.ts";

/** A question to a server that is none of the cluster's. */
export interface RemoteQuestion {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent by POST as a form; absent: GET. */
  readonly form?: Readonly<Record<string, string>>;
  readonly answerBytesMost: number;
  readonly withinMs: number;
}

export interface RemoteAnswer {
  readonly code: number;
  /** Undefined where the answer is no JSON object. */
  readonly said: Readonly<Record<string, unknown>> | undefined;
}

/** Asks such a server for JSON: one answer of bounded size within a bounded time, redirects not followed. */
export class RemoteServer {
  readonly #caPem: string | undefined;
  readonly #clock: Clock;

  /** @param caPem Its authority; absent: those that the system trusts. */
  constructor(caPem: string | undefined, clock: Clock) {
    this.#caPem = caPem;
    this.#clock = clock;
  }

  /** Rejects with an Error that says why there is no answer. */
  ask({ url, headers = {}, form, answerBytesMost, withinMs }: RemoteQuestion): Promise<RemoteAnswer> {
    const body = form === undefined ? undefined : Buffer.from(new URLSearchParams(form).toString());
    const isSecure = url.startsWith("https:");
    const options: https.RequestOptions = {
      method: body === undefined ? "GET" : "POST",
      // Nothing stays open: it is asked seldom.
      agent: false,
      headers: {
        accept: "application/json",
        ...(body && { "content-type": "application/x-www-form-urlencoded", "content-length": body.length }),
        ...headers,
      },
      ...(isSecure && { minVersion: "TLSv1.2", ...(this.#caPem !== undefined && trusting(this.#caPem)) }),
    };
    return new Promise((resolve, reject) => {
      const outgoing = (isSecure ? https : http).request(url, options);
      const cancel = this.#clock.after(withinMs, () =>
        outgoing.destroy(new Error(`no answer within ${withinMs / 1000} s`)),
      );
      outgoing.once("close", cancel);
      outgoing.once("error", (error: NodeJS.ErrnoException) =>
        reject(new Error(error.message || error.code)),
      );
      outgoing.once("response", (answer) => {
        const pieces: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (piece: Buffer) => {
          bytes += piece.length;
          if (bytes > answerBytesMost)
            outgoing.destroy(new Error(`an answer of more than ${answerBytesMost} bytes`));
          else pieces.push(piece);
        });
        answer.once("error", reject);
        answer.once("end", () =>
          resolve({ code: answer.statusCode ?? 0, said: objectIn(Buffer.concat(pieces).toString("utf8")) }),
        );
      });
      outgoing.end(body);
    });
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
