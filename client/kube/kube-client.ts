import type { Duplex } from "node:stream";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { type Log, silentLog } from "../../base/os/log.ts";
import { type Random, systemRandom } from "../../base/os/random.ts";
import { type Within, withinBy } from "../../base/os/within.ts";
import { shown } from "../../base/shown.ts";
import type {
  CallOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
  WriteOptions,
} from "../api.ts";
import { isConflict, orAbsent } from "../api-error.ts";
import type { ExecOptions, ExecSession } from "../exec.ts";
import { type AnyClient, termClient, type WritingTerm } from "../leader-only.ts";
import type { Stored } from "../object-cache.ts";
import type { ReflectorDeps } from "../reflector.ts";
import type { LogOptions, RestClient } from "../rest.ts";
import type { Draft, KubeObject, Ref, Resource } from "../types.ts";
import type { Kind } from "./define-kind.ts";
import { KindFinder } from "./kind-finder.ts";
import { kinds } from "./kinds.ts";
import { type Answered, type AnyManifest, isKind, refOf } from "./manifest.ts";
import { Subresource } from "./subresource.ts";
import { type UntilOptions, untilObject } from "./until.ts";
import { type ObjectEvent, type WatchObjectsOptions, watchObjects } from "./watch-objects.ts";

export interface KubeClientOptions {
  /** Who applies, where a call does not say: `pintle-client` by default. */
  readonly fieldManager?: string;
  /** `apply` takes fields over from others where a call does not say; false by default. */
  readonly force?: boolean;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What only those say who make clients for others. */
export interface KubeClientParts {
  /** In what its writes are made. */
  readonly term?: WritingTerm | undefined;
  /** How waits are bounded: by its clock unless said. */
  readonly within?: Within | undefined;
}

export interface ApplyOptions extends WriteOptions {
  /** Takes fields over from other managers. Without it a field of another's is a conflict (`isConflict`), which names them. */
  readonly force?: boolean;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a change that has nothing to say returns nothing
export type EditResult = false | undefined | void;

/** Programs without types, too, are told what is missing. */
function checkGiven(value: unknown, what: string): void {
  if (typeof value !== "object" || value === null)
    throw new TypeError(`${what} is needed, not ${shown(value)}`);
}

/** How often `edit` reads and writes anew because somebody else wrote in between. */
const editAttemptsMost = 5;
const pageObjects = 500;

/** A cluster's API. Every call takes a kind and an object's address or draft – typed by the kind – or an object alone, whose
 *  kind is then looked up. An object or address of a namespaced kind without a namespace is in the client's (`namespace`).
 *  Calls reject with `ApiError` where the server refuses (`isNotFound` and its like tell why), with `ConnectionError` where
 *  none answers, and with the signal's reason. Reads are sent again, to another server where there are several; writes are not. */
export class KubeClient {
  /** The requests themselves: any path, and the raw watch. */
  readonly rest: RestClient;
  readonly #kinds: KindFinder;
  readonly #fieldManager: string;
  readonly #force: boolean;
  readonly #deps: ReflectorDeps;
  readonly #within: Within;
  /** Of `rest`; of a term where there is one. */
  readonly #writes: AnyClient;

  constructor(rest: RestClient, options: KubeClientOptions = {}, { term, within }: KubeClientParts = {}) {
    this.rest = rest;
    this.#writes = term === undefined ? rest : termClient(rest, term);
    this.#kinds = new KindFinder(rest);
    this.#fieldManager = options.fieldManager ?? "pintle-client";
    this.#force = options.force ?? false;
    this.#deps = {
      client: rest,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      log: options.log ?? silentLog,
    };
    this.#within = within ?? withinBy(this.#deps.clock);
  }

  /** Where objects without a namespace are: the kubeconfig context's, or `default`. */
  get namespace(): string {
    return this.rest.config.namespace;
  }

  /** The same client for what a leader decides in a term: its writes – not those of `rest` – fail with `ConnectionError`, and do
   *  nothing, once the term is over, where the server heeds that even if they arrive later than that. */
  inTerm(term: WritingTerm): KubeClient {
    const own = { ...this.#deps, fieldManager: this.#fieldManager, force: this.#force };
    return new KubeClient(this.rest, own, { term, within: this.#within });
  }

  /** What informers and controllers of this client stand on. */
  get deps(): ReflectorDeps {
    return this.#deps;
  }

  /** The kind of an object, from the table of built-in kinds or the server's discovery. Rejects with `UnknownKindError`. */
  kindOf(object: { readonly apiVersion: string; readonly kind: string }): Promise<Kind<KubeObject>> {
    return this.#kinds.find(object);
  }

  get<T>(kind: Kind<T>, ref: Ref, options?: CallOptions): Promise<T>;
  /** The object as it is now. */
  get<T extends AnyManifest>(object: T, options?: CallOptions): Promise<Answered<T>>;
  async get(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, ref, options } = await this.#addressed<CallOptions>(first, rest);
    return this.rest.get(kind, ref, options);
  }

  /** As `get`; undefined where there is no such object. */
  find<T>(kind: Kind<T>, ref: Ref, options?: CallOptions): Promise<T | undefined>;
  find<T extends AnyManifest>(object: T, options?: CallOptions): Promise<Answered<T> | undefined>;
  async find(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, ref, options } = await this.#addressed<CallOptions>(first, rest);
    return orAbsent(this.rest.get(kind, ref, options));
  }

  /** The objects of one namespace or, without one, of all. With `limit` a page: `metadata.continue` leads to the next. */
  list<T>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>> {
    return this.rest.list(kind, options);
  }

  /** The objects one by one, read in pages of `limit` (500 by default): what is held is one page. Throws `isGone` where the
   *  list took so long that the server has forgotten its beginning. */
  async *each<T>(kind: Kind<T>, options: ListOptions = {}): AsyncGenerator<T, void, void> {
    let next: string | undefined;
    do {
      const page = await this.rest.list(kind, { limit: pageObjects, ...options, continue: next });
      yield* page.items;
      next = page.metadata.continue || undefined;
    } while (next !== undefined);
  }

  create<T extends AnyManifest>(object: T, options?: WriteOptions): Promise<Answered<T>>;
  create<T>(kind: Kind<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>;
  async create(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, draft, options } = await this.#drafted<WriteOptions>(first, rest);
    return this.#writes.create(kind, draft, options);
  }

  /** Replaces. Refused (`isConflict`) where `metadata.resourceVersion` is given and no longer the newest. */
  update<T extends AnyManifest>(object: T, options?: WriteOptions): Promise<Answered<T>>;
  update<T>(kind: Kind<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>;
  async update(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, draft, options } = await this.#drafted<WriteOptions>(first, rest);
    return this.#writes.update(kind, draft, options);
  }

  /** Replaces the status alone. */
  updateStatus<T extends AnyManifest>(object: T, options?: WriteOptions): Promise<Answered<T>>;
  updateStatus<T>(kind: Kind<T>, draft: Draft<T>, options?: WriteOptions): Promise<T>;
  async updateStatus(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, draft, options } = await this.#drafted<WriteOptions>(first, rest);
    return this.#writes.updateStatus(kind, draft, options);
  }

  /** Server-side apply: makes the object if it is not there, and has the fields given here as they are given. Fields that this
   *  field manager gave before and does not give any more are taken away; those of others stay. */
  apply<T extends AnyManifest>(object: T, options?: ApplyOptions): Promise<Answered<T>>;
  apply<T>(
    kind: Kind<T>,
    draft: Partial<Draft<T>> & Pick<Draft<T>, "metadata">,
    options?: ApplyOptions,
  ): Promise<T>;
  async apply(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    return this.#apply(first, rest, undefined);
  }

  /** Server-side apply of the status alone; the object must be there. */
  applyStatus<T extends AnyManifest>(object: T, options?: ApplyOptions): Promise<Answered<T>>;
  applyStatus<T>(
    kind: Kind<T>,
    draft: Partial<Draft<T>> & Pick<Draft<T>, "metadata">,
    options?: ApplyOptions,
  ): Promise<T>;
  async applyStatus(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    return this.#apply(first, rest, "status");
  }

  patch<T>(kind: Kind<T>, ref: Ref, body: unknown, options: PatchOptions): Promise<T>;
  patch<T extends AnyManifest>(object: T, body: unknown, options: PatchOptions): Promise<Answered<T>>;
  async patch(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<unknown> {
    const { kind, ref } = await this.#addressed(first, rest);
    const at = isKind(first) ? rest.slice(1) : rest;
    checkGiven(at[1], `${kind.kind}: options such as { type: "merge" }`);
    const options = at[1] as PatchOptions;
    const fieldManager = options.type === "apply" ? this.#fieldManager : undefined;
    return this.#writes.patch(kind, ref, at[0], { ...(fieldManager && { fieldManager }), ...options });
  }

  /** Reads, changes a copy and replaces; reads anew where somebody else wrote in between, at most five times. `change` may be
   *  called again and returns false to leave the object as it is. */
  async edit<T>(
    kind: Kind<T>,
    ref: Ref,
    change: (object: T) => EditResult,
    options: WriteOptions & { readonly status?: boolean } = {},
  ): Promise<T> {
    const { status, ...write } = options;
    const at = this.#inNamespace(kind, ref);
    for (let attempt = 1; ; attempt++) {
      const object = await this.rest.get(kind, at, options);
      if (change(object) === false) return object;
      const draft = object as Draft<T>;
      try {
        return await (status
          ? this.#writes.updateStatus(kind, draft, write)
          : this.#writes.update(kind, draft, write));
      } catch (error) {
        if (!isConflict(error) || attempt === editAttemptsMost) throw error;
      }
    }
  }

  /** The object as it was or still is (finalizers, grace), or a Status when it is gone. */
  delete(kind: Kind<unknown>, ref: Ref, options?: DeleteOptions): Promise<KubeObject>;
  delete(object: AnyManifest, options?: DeleteOptions): Promise<KubeObject>;
  async delete(first: Kind<unknown> | AnyManifest, ...rest: unknown[]): Promise<KubeObject> {
    const { kind, ref, options } = await this.#addressed<DeleteOptions>(first, rest);
    return this.#writes.delete(kind, ref, options);
  }

  /** All objects of a namespace that the selectors choose; of a kind without namespaces, of the cluster. Servers do not do this for
   *  all namespaces at once: rejects with `TypeError` where one is needed and not given. */
  async deleteAll(kind: Kind<unknown>, options: ListOptions & DeleteOptions): Promise<void> {
    if (kind.namespaced && !options.namespace)
      throw new TypeError(`${kind.kind}: deleteAll needs a namespace, for each namespace a call`);
    return this.#writes.deleteCollection(kind, options);
  }

  /** What exists, and every change from then on: see `watchObjects`. Leaving the loop ends it, as do the signal, whose reason is
   *  thrown, and closing the client. */
  watch<T extends Stored>(
    kind: Kind<T>,
    options: WatchObjectsOptions = {},
  ): AsyncGenerator<ObjectEvent<T>, void, void> {
    return watchObjects(kind, options, this.#deps, this.rest.closed);
  }

  /** Resolves with the object as soon as `holds` is true of it; `undefined` stands for one that is not there. A watch, not a poll.
   *  Rejects with `TimeoutError` after `timeoutMs` (60 s by default), with `ApiError` where the server refuses, and with
   *  `ConnectionError` when the client is closed. */
  until<T extends Stored>(
    kind: Kind<T>,
    ref: Ref,
    holds: (object: T | undefined) => boolean,
    options: UntilOptions = {},
  ): Promise<T | undefined> {
    return untilObject(kind, this.#inNamespace(kind, ref), holds, options, {
      ...this.#deps,
      within: this.#within,
      closed: this.rest.closed,
    });
  }

  /** `scale`, `eviction`, `binding`, `token`, `approval` … of one object. Its type is the caller's to say. */
  subresource<S = KubeObject>(kind: Kind<unknown>, ref: Ref, name: string): Subresource<S> {
    return new Subresource(this.#writes, kind, this.#inNamespace(kind, ref), name);
  }

  /** A container's output as it comes. With `follow` it ends when the container does or the signal aborts. */
  logs(pod: Ref, options: LogOptions = {}, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    return this.rest.logs(this.#ofPod(pod), options, signal);
  }

  /** Runs a command in a container. Resolves once it runs; `exitCode` with what it ended. */
  exec(pod: Ref, options: ExecOptions, signal?: AbortSignal): Promise<ExecSession> {
    return this.rest.exec(this.#ofPod(pod), options, signal);
  }

  /** A connection to a port of a pod, through the API server: a stream of its bytes. It is destroyed with `ConnectionError`
   *  where the port does not answer. That it was ended is not told to the other side before it is destroyed. */
  portForward(pod: Ref, port: number, signal?: AbortSignal): Promise<Duplex> {
    return this.rest.portForward(this.#ofPod(pod), port, signal);
  }

  /** Closes all connections: requests and waits under way fail, watches end. */
  close(): void {
    this.rest.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #apply(
    first: Kind<unknown> | AnyManifest,
    rest: readonly unknown[],
    subresource: "status" | undefined,
  ): Promise<unknown> {
    const { kind, draft, options } = await this.#drafted<ApplyOptions>(first, rest);
    const { group, version } = kind;
    const apiVersion = group === "" ? version : `${group}/${version}`;
    const object = { ...draft, apiVersion, kind: kind.kind };
    return this.#writes.patch(kind, refOf(draft), object, {
      fieldManager: this.#fieldManager,
      force: this.#force,
      ...options,
      type: "apply",
      ...(subresource && { subresource }),
    });
  }

  /** Of (kind, ref, options) or (object, options). */
  async #addressed<O>(
    first: Kind<unknown> | AnyManifest,
    rest: readonly unknown[],
  ): Promise<{ readonly kind: Resource<unknown>; readonly ref: Ref; readonly options: O | undefined }> {
    checkGiven(first, "a kind or an object");
    if (isKind(first)) checkGiven(rest[0], `${first.kind}: an address such as { name: "a" }`);
    if (isKind(first))
      return {
        kind: first,
        ref: this.#inNamespace(first, rest[0] as Ref),
        options: rest[1] as O | undefined,
      };
    const kind = await this.#kinds.find(first);
    return { kind, ref: this.#inNamespace(kind, refOf(first)), options: rest[0] as O | undefined };
  }

  /** Of (kind, draft, options) or (object, options). */
  async #drafted<O>(
    first: Kind<unknown> | AnyManifest,
    rest: readonly unknown[],
  ): Promise<{
    readonly kind: Resource<unknown>;
    readonly draft: Draft<unknown>;
    readonly options: O | undefined;
  }> {
    checkGiven(first, "a kind or an object");
    const named = isKind(first);
    if (named) checkGiven(rest[0], `${first.kind}: an object`);
    const kind = named ? first : await this.#kinds.find(first);
    const given = (named ? rest[0] : first) as Draft<unknown>;
    checkGiven(given.metadata, `${kind.kind}: metadata`);
    const metadata = this.#inNamespace(kind, given.metadata);
    return { kind, draft: { ...given, metadata }, options: (named ? rest[1] : rest[0]) as O | undefined };
  }

  #inNamespace<R extends { readonly namespace?: string | undefined }>(kind: Kind<unknown>, at: R): R {
    return kind.namespaced && !at.namespace ? { ...at, namespace: this.namespace } : at;
  }

  #ofPod(pod: Ref): Ref {
    return this.#inNamespace(kinds.Pod, pod);
  }
}
