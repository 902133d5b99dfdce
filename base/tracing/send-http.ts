import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Clock } from "../os/clock.ts";
import { type Resource, traceRequest } from "./otlp-message.ts";
import type { SpanSender } from "./span-queue.ts";

const answerTimeoutMs = 10_000;

/** OTLP over HTTP, as protobuf. @param url Its path is taken as it is, or `/v1/traces` where there is none. */
export function httpSender(
  url: string,
  { resource, scope, clock }: { readonly resource: Resource; readonly scope: string; readonly clock: Clock },
): SpanSender {
  const to = new URL(url);
  const isTls = to.protocol === "https:";
  if (to.pathname === "/") to.pathname = "/v1/traces";
  const agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  return {
    send: async (spans) => {
      const body = traceRequest(spans, resource, scope);
      const limit = new AbortController();
      const cancel = clock.after(answerTimeoutMs, () => limit.abort());
      try {
        const answer = await new Promise<IncomingMessage>((resolve, reject) => {
          (isTls ? httpsRequest : httpRequest)(to, {
            agent,
            method: "POST",
            headers: { "content-type": "application/x-protobuf", "content-length": body.length },
            signal: limit.signal,
          })
            .once("response", resolve)
            .once("error", reject)
            .end(body);
        });
        answer.resume();
        answer.once("error", () => {}); // its head has said all
        if (answer.statusCode !== 200) throw new Error(`the collector answers ${answer.statusCode}`);
      } catch (error) {
        throw limit.signal.aborted ? new Error(`no answer within ${answerTimeoutMs} ms`) : error;
      } finally {
        cancel();
      }
    },
    close: () => agent.destroy(),
  };
}
