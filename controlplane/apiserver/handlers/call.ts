import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Cancellation } from "../../../base/cancellation.ts";
import type { HttpResponse } from "../../../base/http2/http-response.ts";
import type { Tracer } from "../../../base/tracing/tracer.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Operation, Requester } from "../admission/admission.ts";
import type { TokenIssuer } from "../authentication/token-issuer.ts";
import type { User } from "../filters/authentication.ts";
import type { Authorizer, RuleResolver } from "../filters/authorizer.ts";
import type { Gate } from "../filters/identity.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import type { JsonObject } from "../json.ts";
import type { Dialer } from "../reach/dialer.ts";
import type { NodeLink } from "../reach/node-link.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import type { LeaseClaim } from "../registry/lease-fence.ts";
import type { RegistryDeps } from "../registry/registry-deps.ts";
import type { KnownObjects } from "../registry/shown-selection.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import type { NodeUsages } from "../resourcemetrics/node-usages.ts";
import type { Schemas } from "../schemas.ts";
import type { LogMetrics } from "../telemetry/log-metrics.ts";
import type { WatchMetrics } from "../telemetry/watch-metrics.ts";
import type { Output } from "./negotiate.ts";
import type { TableView } from "./shapes.ts";

/** One request for a resource, access checked. */
export interface Call {
  readonly target: ResourceInfo;
  readonly served: ServedKind;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly user: User;
  readonly output: Output;
  /** Comes when the client goes away or the request's time is up. */
  readonly cancellation: Cancellation;
  /** The Lease under which the request says that it was decided. */
  readonly claim?: LeaseClaim;
  /** The whole body; empty where the method has none. */
  readonly body: Uint8Array;
  /** Of a watch: it has told all there was when it began, and takes no seat any more. */
  readonly begun: () => void;
  /** Sends a text to the user beside the answer (`Warning` header). */
  warn(text: string): void;
  /** Notes something about this request for whoever audits it. */
  annotate(key: string, value: string): void;
  /** So much time of the request was somebody else's, such as a webhook's. */
  readonly waited?: (ms: number) => void;
}

/** What admission is told of the request.
 *  @param deletion What a deletion says, as it was understood. */
export function requesterOf(call: Call, deletion?: JsonObject): Requester {
  const { user, target, served, cancellation, query } = call;
  return {
    user,
    verb: target.verb,
    subresource: target.subresource,
    name: target.name,
    served,
    cancellation,
    options: (operation) => (operation === "delete" ? deletion : writeOptions(query, operation)),
    warn: (text) => call.warn(text),
    annotate: (key, value) => call.annotate(key, value),
    ...(call.claim && { claim: call.claim }),
    ...(call.waited && { waited: call.waited }),
  };
}

const optionsKinds = { create: "CreateOptions", update: "UpdateOptions" } as const;

/** What the query of a write says, as Kubernetes' options for it; a patch counts as the update that it leads to. */
function writeOptions(query: URLSearchParams, operation: Operation): JsonObject | undefined {
  if (operation !== "create" && operation !== "update") return undefined;
  const said = (name: string) => (query.get(name) ? { [name]: query.get(name) } : {});
  return {
    kind: optionsKinds[operation],
    apiVersion: "meta.k8s.io/v1",
    ...(query.has("dryRun") && { dryRun: query.getAll("dryRun") }),
    ...said("fieldManager"),
    ...said("fieldValidation"),
  };
}

export interface HandlerDeps extends RegistryDeps {
  /** Absent: nobody counts what watches are told. */
  readonly watched?: WatchMetrics;
  /** Absent: nobody counts the logs that are asked for. */
  readonly logged?: LogMetrics;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
  readonly authorizer: Authorizer;
  readonly rulesFor: RuleResolver;
  readonly gate: Gate;
  /** Absent: this server gives out no service accounts' tokens. */
  readonly tokens: TokenIssuer | undefined;
  readonly schemas: Schemas;
  readonly nodes: NodeLink;
  /** What nodes say of the use of themselves and their pods. */
  readonly usages: Pick<NodeUsages, "of" | "close">;
  /** How pods and services are reached. */
  readonly dialer: Dialer;
}

export type Handler = (call: Call, deps: HandlerDeps) => Promise<Answer>;

/** What a handler gives back; turned into bytes in respond.ts. */
export type Answer =
  /** An object of the called kind, shown in the form the client prefers. */
  | {
      readonly type: "object";
      readonly code: number;
      readonly object: KubeObject;
      /** The same as the cache holds it, whose text may be at hand. */
      readonly stored?: StoredObject;
    }
  | { readonly type: "list"; readonly list: ListAnswer }
  /** The called object seen as another kind: a Scale. */
  | { readonly type: "seenAs"; readonly code: number; readonly object: KubeObject; readonly view: TableView }
  /** A question with its answer, which stands in no store and in no table. */
  | { readonly type: "review"; readonly code: number; readonly body: JsonObject }
  /** A Status, which has one form only. */
  | { readonly type: "json"; readonly code: number; readonly body: unknown }
  | { readonly type: "stream"; readonly run: StreamRunner };

/** Writes the response itself; resolves when it has ended. */
export type StreamRunner = (request: IncomingMessage, response: HttpResponse) => Promise<void>;

export interface ListAnswer {
  readonly items: readonly StoredObject[];
  readonly revision: number;
  readonly continue: string;
  readonly remaining: number | undefined;
  /** Where the items had to be converted by others already. */
  readonly known?: KnownObjects | undefined;
}
