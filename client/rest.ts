import { setMaxListeners } from "node:events";
import type { Duplex } from "node:stream";
import { type Clock, sleep, systemClock } from "../base/os/clock.ts";
import type { Meter } from "../base/os/metrics.ts";
import { shown } from "../base/shown.ts";
import { traceHeaders } from "../base/tracing/active-span.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
  WatchOptions,
  WriteOptions,
} from "./api.ts";
import { ApiError, apiErrorFrom, ConnectionError } from "./api-error.ts";
import { type Credentials, credentialsOf } from "./credentials.ts";
import { type ExecOptions, type ExecSession, openExec } from "./exec.ts";
import { heldLeaseHeader, heldLeaseText } from "./held-lease.ts";
import { HttpTransport } from "./http/http-transport.ts";
import type { HttpAnswer, HttpRequest, HttpWay } from "./http/request.ts";
import { warningTexts } from "./http/warnings.ts";
import { jsonLines } from "./json-lines.ts";
import type { RestConfig } from "./kubeconfig.ts";
import { objectPath, type Query, resourcePath, withQuery } from "./paths.ts";
import { openPortForward } from "./port-forward.ts";
import { requestMetrics } from "./request-metrics.ts";
import { apiVersionOf, resources } from "./resources.ts";
import type { Draft, KubeObject, Ref, Resource, WatchEvent } from "./types.ts";
import { decodeWatchEvent } from "./watch-event.ts";

export interface RestClientOptions {
  readonly clock?: Clock;
  /** Names the program to the server. */
  readonly userAgent?: string;
  /** Where requests are counted; absent: nowhere. */
  readonly metrics?: Meter;
  /** Is told what the server warns of beside an answer, such as a field that it does not know. */
  readonly onWarning?: (text: string) => void;
  /** Carries requests to a server that is not connected to, such as one of this process. */
  readonly way?: HttpWay;
}

export interface LogOptions {
  readonly container?: string | undefined;
  readonly follow?: boolean | undefined;
  readonly previous?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  readonly sinceTime?: string | undefined;
  readonly limitBytes?: number | undefined;
}

export interface RawOptions extends CallOptions {
  readonly query?: Query;
  readonly contentType?: string;
  readonly accept?: string;
}

export const restLimits = {
  requestMs: 30_000,
  bodyBytesMost: 256 * 1024 * 1024,
  watchLineBytesMost: 16 * 1024 * 1024,
  /** How often a request is sent again because the server asked to (429 or 503 with Retry-After), and how long at most
   *  we wait each time. */
  retriesMost: 5,
  retryWaitMostMs: 10_000,
} as const;

const patchTypes = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
} as const satisfies Record<PatchOptions["type"], string>;

/** The cluster's API over HTTPS and JSON. One instance per process and user; it keeps connections alive. */
export class RestClient implements ApiClient {
  #config: RestConfig;
  readonly #transport: HttpTransport;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #connect: (() => Duplex) | undefined;
  readonly #onWarning: ((text: string) => void) | undefined;
  /** Absent: who asks stays the same until `renew`. */
  #credentials: Credentials | undefined;
  readonly #closing = new AbortController();

  constructor(config: RestConfig, options: RestClientOptions = {}) {
    this.#config = config;
    this.#transport = new HttpTransport(config, {
      clock: options.clock ?? systemClock,
      ...(options.way && { way: options.way }),
      ...(options.metrics && { metrics: requestMetrics(options.metrics) }),
    });
    this.#clock = options.clock ?? systemClock;
    this.#userAgent = options.userAgent ?? "pintle";
    this.#onWarning = options.onWarning;
    const { way } = options;
    this.#connect = way?.connect && (() => way.connect?.() as Duplex);
    this.#credentials = credentialsOf(config, { clock: this.#clock });
    setMaxListeners(0, this.closed); // whatever is followed by this client listens
  }

  /** Aborts when the client is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  get config(): RestConfig {
    return this.#config;
  }

  /** From now on asks these servers, as this user: a certificate that was renewed counts without a restart. */
  renew(config: RestConfig): void {
    this.#credentials = credentialsOf(config, { clock: this.#clock });
    this.#take(config);
  }

  get<T>(resource: Resource<T>, ref: Ref, options: CallOptions = {}): Promise<T> {
    return this.#json<T>("GET", objectPath(resource, ref), undefined, options);
  }

  list<T>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const path = withQuery(resourcePath(resource, { namespace: options.namespace }), listQuery(options));
    return this.#json<ObjectList<T>>("GET", path, undefined, options).then((list) =>
      typedItems(resource, list),
    );
  }

  create<T>(resource: Resource<T>, object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const path = resourcePath(resource, { namespace: object.metadata.namespace });
    return this.#json<T>("POST", withQuery(path, writeQuery(options)), typed(resource, object), options);
  }

  update<T>(resource: Resource<T>, object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(resource, refOf(object));
    return this.#json<T>("PUT", withQuery(path, writeQuery(options)), typed(resource, object), options);
  }

  updateStatus<T>(resource: Resource<T>, object: Draft<T>, options: WriteOptions = {}): Promise<T> {
    const path = objectPath(resource, refOf(object), "status");
    return this.#json<T>("PUT", withQuery(path, writeQuery(options)), typed(resource, object), options);
  }

  patch<T>(resource: Resource<T>, ref: Ref, body: unknown, options: PatchOptions): Promise<T> {
    if (!Object.hasOwn(patchTypes, options.type))
      throw new TypeError(`type: ${shown(options.type)} is none of ${Object.keys(patchTypes).join(", ")}`);
    const query = { ...writeQuery(options), force: options.type === "apply" ? options.force : undefined };
    return this.#json<T>("PATCH", withQuery(objectPath(resource, ref, options.subresource), query), body, {
      ...options,
      contentType: patchTypes[options.type],
    });
  }

  delete(resource: Resource<unknown>, ref: Ref, options: DeleteOptions = {}): Promise<KubeObject> {
    return this.#json("DELETE", objectPath(resource, ref), deleteBody(options), options);
  }

  async deleteCollection(resource: Resource<unknown>, options: ListOptions & DeleteOptions): Promise<void> {
    const path = withQuery(resourcePath(resource, { namespace: options.namespace }), listQuery(options));
    await this.#json("DELETE", path, deleteBody(options), options);
  }

  async *watch<T>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, void> {
    const query = {
      watch: true,
      ...listQuery(options),
      allowWatchBookmarks: options.allowWatchBookmarks,
      sendInitialEvents: options.sendInitialEvents,
      resourceVersionMatch: options.sendInitialEvents ? "NotOlderThan" : undefined,
      timeoutSeconds: options.timeoutSeconds,
    };
    const path = withQuery(resourcePath(resource, { namespace: options.namespace }), query);
    const request = this.#request("GET", path);
    const headers = { ...request.headers, accept: options.accept ?? "application/json" };
    const answer = await this.#open({ ...request, headers, signal, lasting: true });
    try {
      for await (const value of jsonLines(answer, restLimits.watchLineBytesMost))
        yield decodeWatchEvent<T>(value);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw error instanceof ApiError
        ? error
        : new ConnectionError(`${path}: cut off`, { neverSent: false, cause: error });
    } finally {
      answer.destroy();
    }
  }

  createSubresource(
    resource: Resource<unknown>,
    ref: Ref,
    subresource: string,
    body: object,
    options: CallOptions = {},
  ): Promise<KubeObject> {
    return this.#json("POST", objectPath(resource, ref, subresource), body, options);
  }

  /** Any request; the answer's body as text. */
  async raw(
    method: HttpRequest["method"],
    path: string,
    body?: unknown,
    options: RawOptions = {},
  ): Promise<string> {
    return bodyText(
      await this.#exchange(method, withQuery(path, options.query ?? {}), body, options),
      options,
    );
  }

  /** A container's output. With `follow` it ends when the container does or the signal aborts. */
  async *logs(ref: Ref, options: LogOptions, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    yield* this.streamed(withQuery(objectPath(resources.pods, ref, "log"), { ...options }), signal);
  }

  /** What a path answers, as it comes, for as long as it does. */
  async *streamed(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const headers = { accept: "*/*" };
    const answer = await this.#open({ ...this.#request("GET", path), headers, signal, lasting: true });
    try {
      yield* answer;
    } finally {
      answer.destroy();
    }
  }

  /** Runs a command in a container; see `ExecSession`. */
  async exec(ref: Ref, options: ExecOptions, signal?: AbortSignal): Promise<ExecSession> {
    await this.#asWhoIsNow(signal);
    return openExec(this.#config, this.#transport.server, ref, options, {
      signal,
      connect: this.#connect,
    });
  }

  /** A connection to a port of a pod; see `openPortForward`. */
  async portForward(ref: Ref, port: number, signal?: AbortSignal): Promise<Duplex> {
    await this.#asWhoIsNow(signal);
    return openPortForward(this.#config, this.#transport.server, ref, port, {
      signal,
      connect: this.#connect,
    });
  }

  /** Closes all connections. Requests under way fail, and so does what is asked from now on. */
  close(): void {
    this.#transport.close();
    this.#closing.abort(new ConnectionError("the client was closed", { neverSent: true }));
  }

  async #json<T>(
    method: HttpRequest["method"],
    path: string,
    body: unknown,
    options: RawOptions,
  ): Promise<T> {
    const answer = await this.#exchange(method, path, body, options);
    return parseAnswer<T>(path, await bodyText(answer, options));
  }

  /** Sends, waits and sends again while the server asks for it, and turns refusals into ApiError. */
  async #exchange(
    method: HttpRequest["method"],
    path: string,
    body: unknown,
    options: RawOptions,
  ): Promise<HttpAnswer> {
    const request: HttpRequest = {
      ...this.#request(method, path),
      headers: {
        accept: options.accept ?? "application/json",
        "user-agent": this.#userAgent,
        ...(body !== undefined && { "content-type": options.contentType ?? "application/json" }),
        ...traceHeaders(),
        ...(method !== "GET" && options.heldLease && { [heldLeaseHeader]: heldLeaseText(options.heldLease) }),
      },
      ...(body !== undefined && { body: asBytes(body) }),
      timeoutMs: options.timeoutMs ?? restLimits.requestMs,
      signal: options.signal,
    };
    return this.#open(request);
  }

  #request(method: HttpRequest["method"], path: string): HttpRequest {
    return {
      method,
      path,
      // A write may have been taken by the server that did not answer: only whoever asked knows whether to ask again. (A deletion
      // by name would hit what was made anew under it.)
      idempotent: method === "GET",
      headers: { accept: "application/json", "user-agent": this.#userAgent },
      timeoutMs: restLimits.requestMs,
    };
  }

  /** Asks a program or a file who asks, where one is to say. The signal ends the wait, not the program: others may wait for it. */
  async #asWhoIsNow(signal: AbortSignal | undefined): Promise<void> {
    if (this.#credentials === undefined) return;
    const said = unlessAborted(this.#credentials.current(), this.closed);
    this.#take(await (signal === undefined ? said : unlessAborted(said, signal)));
  }

  #take(config: RestConfig): void {
    if (config === this.#config) return;
    this.#config = config;
    this.#transport.renew(config);
  }

  async #open(request: HttpRequest): Promise<HttpAnswer> {
    let isAskedAgain = false;
    for (let retries = 0; ; retries++) {
      this.closed.throwIfAborted();
      await this.#asWhoIsNow(request.signal);
      const asked = this.#config;
      const answer = await this.#transport.send(request);
      const code = answer.statusCode;
      if (this.#onWarning !== undefined)
        for (const text of warningTexts(answer.warning)) this.#onWarning(text);
      if (code >= 200 && code < 300) return answer;
      const text = await bodyText(answer, {});
      // Nothing was done for a stranger, so that a write may be sent again, too.
      if (code === 401 && !isAskedAgain && this.#credentials?.refused(asked)) {
        isAskedAgain = true;
        continue;
      }
      const waitMs = Number(answer.retryAfter ?? Number.NaN) * 1000;
      const isPutOff = (code === 429 || code === 503) && waitMs >= 0;
      if (!isPutOff || retries >= restLimits.retriesMost) throw apiErrorFrom(code, text);
      const over = AbortSignal.any([request.signal ?? this.closed, this.closed]);
      await sleep(this.#clock, Math.min(waitMs, restLimits.retryWaitMostMs), over);
    }
  }
}

/** The types of answers are the server's promise; only that it is JSON is checked. */
function parseAnswer<T>(path: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new ConnectionError(`${path}: the answer is no JSON`, { neverSent: false, cause });
  }
}

function bodyText(answer: HttpAnswer, options: CallOptions): Promise<string> {
  const timeoutMs = options.timeoutMs ?? restLimits.requestMs;
  return answer.text({ lengthBytesMost: restLimits.bodyBytesMost, timeoutMs });
}

function refOf(object: Draft<unknown>): Ref {
  return { name: object.metadata.name ?? "", namespace: object.metadata.namespace };
}

function typed<T>(resource: Resource<T>, object: Draft<T>): object {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/** Items of a list come without apiVersion and kind from some servers. */
function typedItems<T>(resource: Resource<T>, list: ObjectList<T>): ObjectList<T> {
  const apiVersion = apiVersionOf(resource);
  const items = (list.items ?? []).map((item) => ({ apiVersion, kind: resource.kind, ...item }));
  return { items, metadata: list.metadata };
}

function listQuery(options: ListOptions | WatchOptions): Query {
  return {
    labelSelector: options.labelSelector || undefined,
    fieldSelector: options.fieldSelector || undefined,
    resourceVersion: options.resourceVersion,
    ...("limit" in options && { limit: options.limit }),
    ...("continue" in options && { continue: options.continue }),
    ...("resourceVersionMatch" in options && { resourceVersionMatch: options.resourceVersionMatch }),
  };
}

function writeQuery(options: WriteOptions): Query {
  return {
    dryRun: options.dryRun ? "All" : undefined,
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation,
  };
}

function deleteBody(options: DeleteOptions): object {
  const { propagationPolicy, gracePeriodSeconds, preconditions, dryRun } = options;
  return {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy,
    gracePeriodSeconds,
    preconditions,
    dryRun: dryRun ? ["All"] : undefined,
  };
}

function asBytes(body: unknown): string | Uint8Array {
  return typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
}
