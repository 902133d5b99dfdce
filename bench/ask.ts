import { once } from "node:events";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";
import { text } from "node:stream/consumers";

export interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** Asks a server once: POST of a JSON body, or GET. Servers at https URLs are known by who signed their certificates. */
export async function ask(
  url: string,
  options: {
    readonly authorityPem?: string | undefined;
    readonly body?: object;
    readonly timeoutMs?: number;
  } = {},
): Promise<Answer> {
  const { authorityPem, body, timeoutMs } = options;
  const how = {
    agent: false,
    method: body === undefined ? "GET" : "POST",
    ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  };
  const asked = url.startsWith("https:")
    ? requestSecure(url, { ...how, ca: authorityPem })
    : requestPlain(url, how);
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  return { status: answer.statusCode, body: await text(answer) };
}
