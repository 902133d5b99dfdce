import type { Clock } from "../../../base/os/clock.ts";
import type { ApiWay } from "./api-way.ts";

/** What an API server said no with. */
export class ApiRefusal extends Error {
  override readonly name = "ApiRefusal";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ApiQuestion {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly accept?: string;
  readonly body?: object;
  readonly answerBytesMost: number;
  readonly withinMs: number;
}

/** One question to the API servers and its answer as JSON, within bounds of size and time. Rejects with ApiRefusal for what the
 *  server refuses, and with an Error for what does not arrive. */
export async function askApi(
  way: ApiWay,
  { method = "GET", path, accept = "application/json", body, answerBytesMost, withinMs }: ApiQuestion,
  clock: Clock,
): Promise<unknown> {
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    accept,
    ...(bytes && { "content-type": "application/json", "content-length": bytes.length }),
  };
  const outgoing = await way.begin({ method, path, lasting: false, headers });
  return new Promise((resolve, reject) => {
    const cancel = clock.after(withinMs, () =>
      outgoing.destroy(new Error(`no answer within ${withinMs / 1000} s`)),
    );
    outgoing.once("close", cancel);
    outgoing.once("error", reject);
    outgoing.once("response", (answer) => {
      const pieces: Buffer[] = [];
      let answerBytes = 0;
      answer.on("data", (piece: Buffer) => {
        answerBytes += piece.length;
        if (answerBytes > answerBytesMost)
          outgoing.destroy(new Error(`an answer of more than ${answerBytesMost} bytes`));
        else pieces.push(piece);
      });
      answer.once("error", reject);
      answer.once("end", () => {
        const code = answer.statusCode ?? 0;
        const said = readJson(Buffer.concat(pieces).toString("utf8"));
        if (code < 200 || code > 299) reject(new ApiRefusal(code, messageOf(said) ?? `refused with ${code}`));
        else if (said === undefined) reject(new Error("the API server's answer is no JSON"));
        else resolve(said);
      });
    });
    outgoing.end(bytes);
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(status: unknown): string | undefined {
  const { message } = (status ?? {}) as { readonly message?: unknown };
  return typeof message === "string" ? message : undefined;
}
