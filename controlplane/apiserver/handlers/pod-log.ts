import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { certificateText } from "../../../base/certificate-text.ts";
import { dialText } from "../../../base/dial-text.ts";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { badRequest, internalError, nodeAnswered, unknownError } from "../api-error.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import type { Answer, Call, HandlerDeps } from "./call.ts";
import { type LogOptions, logOptions } from "./log-options.ts";
import { logTarget, type PodTarget } from "./pod-target.ts";

const refusalCharsMax = 2048;

/** GET pods/NAME/log: what the node's agent gives, as it comes. */
export async function podLog(call: Call, deps: HandlerDeps): Promise<Answer> {
  const options = logOptions(call.query, call.target.name);
  const pod = await logTarget(call, deps);
  if (pod === undefined) return nothing;
  const upstream = await openLog({ pod, target: call.target, options, deps }, call.cancellation.signal);
  return {
    type: "stream",
    run: async (_: IncomingMessage, response: HttpResponse) => {
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

/** A pod that no node has yet has said nothing. */
const nothing: Answer = {
  type: "stream",
  run: async (_: IncomingMessage, response: HttpResponse) => void response.writeHead(204).end(),
};

export interface LogRoute {
  readonly pod: PodTarget;
  readonly target: ResourceInfo;
  readonly options: LogOptions;
  readonly deps: HandlerDeps;
}

/** The node's answer, once it is a log. What else it says is told as Kubernetes tells it. */
export async function openLog(route: LogRoute, signal: AbortSignal): Promise<IncomingMessage> {
  const usage = route.options.skipsVerification ? "skip_tls_allowed" : "enforce_tls";
  if (route.deps.logged) route.deps.logged.requests.of({ usage }).count++;
  const answer = await askNode(route, signal);
  const code = answer.statusCode ?? 502;
  if (code >= 200 && code <= 206) return answer;
  const body = await readRefusal(answer);
  if (code === 400) throw badRequest(body);
  if (code === 500) throw internalError(body);
  throw nodeAnswered(code, { group: "", plural: "pods/log" }, route.target.name);
}

async function readRefusal(answer: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of answer) {
    body += piece;
    if (body.length >= refusalCharsMax) break;
  }
  return body.slice(0, refusalCharsMax);
}

function askNode({ pod, target, options, deps }: LogRoute, signal: AbortSignal): Promise<IncomingMessage> {
  const { host, port } = pod;
  const { namespace, name } = target;
  const parts = [namespace, name, pod.container].map(encodeURIComponent).join("/");
  const { query, skipsVerification } = options;
  const path = `/containerLogs/${parts}${query.size > 0 ? `?${query}` : ""}`;
  const agent = skipsVerification ? deps.nodes.trustingAgent : deps.nodes.agent;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ host, port, path, method: "GET", agent, signal });
    request.on("response", resolve);
    request.on("error", (error) => {
      if (deps.logged && certificateText(error, host) !== undefined) deps.logged.tlsFailures.count++;
      const url = `https://${host}:${port}${path}`;
      reject(unknownError(`Get "${url}": ${dialText(error, pod)}`));
    });
    request.end();
  });
}
