import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { internalError } from "../api-error.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { podTarget } from "./pod-target.ts";

const passedOn = [
  "follow",
  "previous",
  "tailLines",
  "timestamps",
  "sinceSeconds",
  "sinceTime",
  "limitBytes",
  "stream",
];

/** GET pods/NAME/log: what the node's agent gives, as it comes. */
export async function podLog(call: Call, deps: HandlerDeps): Promise<Answer> {
  const target = await podTarget(call, deps);
  const { namespace, name } = call.target;
  const path = `/containerLogs/${[namespace, name, target.container].map(encodeURIComponent).join("/")}`;
  const query = new URLSearchParams([...call.query].filter(([key]) => passedOn.includes(key)));
  const upstream = await openLog(deps, call.signal, {
    host: target.host,
    port: target.port,
    path: query.size > 0 ? `${path}?${query}` : path,
  });
  return {
    type: "stream",
    run: async (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(upstream.statusCode ?? 502, {
        "Content-Type": upstream.headers["content-type"] ?? "text/plain",
        "Cache-Control": "no-cache, private",
      });
      response.flushHeaders();
      await pipeline(upstream, response).catch((error: unknown) => {
        // Either side going away ends a log; anything else was logged by the agent that sends it.
        deps.log.debug("log stream ended early", { error });
      });
    },
  };
}

function openLog(
  deps: HandlerDeps,
  signal: AbortSignal,
  options: { readonly host: string; readonly port: number; readonly path: string },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...options, method: "GET", agent: deps.nodes.agent, signal });
    request.on("response", resolve);
    request.on("error", (error) => {
      const url = `https://${options.host}:${options.port}${options.path}`;
      reject(internalError(`Get "${url}": ${error.message}`));
    });
    request.end();
  });
}
