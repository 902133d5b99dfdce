import type { IncomingMessage } from "node:http";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import { activeTrace, spanned, withActive } from "../../../base/tracing/active-span.ts";
import { parseTraceparent } from "../../../base/tracing/trace-context.ts";
import type { Tracer } from "../../../base/tracing/tracer.ts";
import type { User } from "../filters/authentication.ts";
import { header, type RequestInfo } from "../filters/request-info.ts";
import { bounded, shownUri } from "./shown-uri.ts";

export interface TracedRequest {
  readonly request: IncomingMessage;
  readonly response: HttpResponse;
  readonly info: RequestInfo;
  readonly auditId: string;
  readonly user: User;
  readonly startMs: number;
}

/** Whose traces go on here, as in Kubernetes; others' begin anew and are linked, so that nobody can have everything sampled. */
const trustedGroups: ReadonlySet<string> = new Set(["system:masters", "system:monitoring"]);

/** Serves the request in a span of its own where it is sampled, with Kubernetes' names. */
export async function inRequestSpan(
  tracer: Tracer,
  { request, response, info, auditId, user, startMs }: TracedRequest,
  serve: () => Promise<void>,
): Promise<void> {
  const remote = parseTraceparent(header(request.headers, "traceparent") || undefined);
  const isTrusted = user.groups.some((group) => trustedGroups.has(group));
  const span = tracer.start({
    name: spanName(info),
    kind: "server",
    parent: isTrusted ? remote : undefined,
    links: !isTrusted && remote !== undefined ? [remote] : [],
    startMs,
    attributes: {
      "http.request.method": info.method,
      "http.target": shownUri(request.url ?? "/"),
      "url.path": bounded(info.path),
      "url.scheme": "https",
      "server.address": bounded(header(request.headers, "host")),
      "user_agent.original": bounded(header(request.headers, "user-agent")),
      "network.protocol.version": request.httpVersion,
      "audit-id": bounded(auditId),
    },
  });
  if (span === undefined) {
    // Others are told that it is not sampled.
    if (!isTrusted || remote === undefined) return serve();
    return withActive({ tracer, context: remote, span: undefined }, serve);
  }
  try {
    await withActive({ tracer, context: span.context, span }, serve);
  } catch (error) {
    span.event("exception", { "exception.message": error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    const end = () => {
      span.has({ "http.response.status_code": response.statusCode });
      if (response.statusCode >= 500) span.fails("");
      span.end();
    };
    // A refusal is written after this.
    if (response.writableEnded || response.destroyed) end();
    else response.once("close", end);
  }
}

/** As Kubernetes names it: without what differs from object to object. */
export function spanName({ method, resource }: RequestInfo): string {
  if (resource === undefined) return method;
  const { group, version, namespace, plural, name, subresource } = resource;
  const parts = [
    group === "" ? "/api" : `/apis/${group}`,
    version,
    ...(namespace === "" ? [] : ["namespaces/{:namespace}"]),
    plural,
    ...(name === "" ? [] : ["{:name}"]),
    ...(subresource === "" ? [] : [subresource]),
  ];
  return `${method} ${parts.join("/")}`;
}

const verbs: Readonly<Record<string, string>> = {
  create: "Create",
  get: "Get",
  list: "List",
  watch: "WatchServer.HandleHTTP",
  update: "Update",
  patch: "Patch",
  delete: "Delete",
  deletecollection: "Delete",
};

/** What is done for the request, as Kubernetes calls it. */
export function inVerbSpan<T>({ resource, path }: RequestInfo, work: () => Promise<T>): Promise<T> {
  if (activeTrace() === undefined || resource === undefined) return work();
  const { verb, plural } = resource;
  const attributes = () => ({ resource: plural, verb, url: bounded(path) });
  return spanned({ name: verbs[verb] ?? verb, attributes }, work);
}
