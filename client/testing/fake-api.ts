import { randomUUID } from "node:crypto";
import { matchesLabels, parseSelector } from "../../base/label-selector.ts";
import { applyOperations } from "../../controlplane/apiserver/handlers/json-operations.ts";
import { strategicMergePatch } from "../../controlplane/apiserver/schema/strategic-merge.ts";
import type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
  WatchOptions,
} from "../api.ts";
import { ApiError } from "../api-error.ts";
import { type HeldLease, heldLeaseReason } from "../held-lease.ts";
import { keyOfRef } from "../object-cache.ts";
import { apiVersionOf, resources } from "../resources.ts";
import type { Draft, KubeObject, Lease, Ref, Resource, WatchEvent } from "../types.ts";
import { type Change, ChangeLog } from "./change-log.ts";

/** One write or read that reached the fake. */
export interface Call {
  readonly verb:
    | "get"
    | "list"
    | "watch"
    | "create"
    | "update"
    | "updateStatus"
    | "patch"
    | "delete"
    | "subresource";
  readonly resource: string;
  /** Object key, or empty for collections. */
  readonly key: string;
  readonly body?: unknown;
}

const refusal = (code: number, reason: string, message: string) =>
  new ApiError(code, { kind: "Status", status: "Failure", code, reason, message });

/** The API in memory. Objects handed out are copies. */
export class FakeApi implements ApiClient {
  /** Every write, in order. */
  readonly actions: Call[] = [];
  /** Runs before each call; may wait, or throw to make it fail. For writes, `after` of the returned pair runs once the
   *  write is done: throwing there is an answer that got lost. */
  intercept: (call: Call) => Promise<undefined | { after: () => Promise<void> }> = async () => undefined;
  /** What a server without streamed lists does: refuse them. */
  refuseInitialEvents = false;
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #log = new ChangeLog();

  get revision(): number {
    return this.#log.revision;
  }

  /** Ends every open watch, as a server that goes away. */
  cutWatches(): void {
    this.#log.cut();
  }

  /** Forgets history: watches from before it get 410. */
  compact(): void {
    this.#log.compact();
  }

  /** The objects of a kind, as stored. */
  all<T>(resource: Resource<T>): T[] {
    return [...this.#table(resource).values()].map((object) => structuredClone(object) as T);
  }

  async get<T>(resource: Resource<T>, ref: Ref): Promise<T> {
    await this.intercept({ verb: "get", resource: resource.plural, key: keyOfRef(ref) });
    return structuredClone(this.#find(resource, ref)) as T;
  }

  async list<T>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    await this.intercept({ verb: "list", resource: resource.plural, key: "" });
    const matching = [...this.#table(resource).values()]
      .filter(matcher(options))
      .sort((a, b) => (keyOfRef(a.metadata) < keyOfRef(b.metadata) ? -1 : 1));
    const start = Number(options.continue ?? 0);
    const end = options.limit === undefined ? matching.length : start + options.limit;
    const metadata = { resourceVersion: String(this.revision) };
    return {
      items: structuredClone(matching.slice(start, end)) as T[],
      metadata: end < matching.length ? { ...metadata, continue: String(end) } : metadata,
    };
  }

  create<T>(resource: Resource<T>, draft: Draft<T>, options: CallOptions = {}): Promise<T> {
    return this.#write({ verb: "create", options }, resource, draft.metadata, draft, () => {
      const name = draft.metadata.name ?? `${draft.metadata.generateName ?? ""}${randomUUID().slice(0, 5)}`;
      const ref = { name, namespace: draft.metadata.namespace };
      if (this.#table(resource).has(keyOfRef(ref)))
        throw refusal(409, "AlreadyExists", `${resource.plural} "${name}" already exists`);
      const object = structuredClone(draft) as unknown as KubeObject;
      object.metadata = {
        ...object.metadata,
        name,
        uid: draft.metadata.uid ?? randomUUID(),
        creationTimestamp: draft.metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
        generation: 1,
      };
      return this.#store(resource, object, "ADDED");
    });
  }

  update<T>(resource: Resource<T>, draft: Draft<T>, options: CallOptions = {}): Promise<T> {
    return this.#write({ verb: "update", options }, resource, draft.metadata, draft, () =>
      this.#replace(resource, draft as unknown as KubeObject, (next, current) => ({
        ...next,
        ...("status" in current && { status: current.status }),
      })),
    );
  }

  updateStatus<T>(resource: Resource<T>, draft: Draft<T>, options: CallOptions = {}): Promise<T> {
    return this.#write({ verb: "updateStatus", options }, resource, draft.metadata, draft, () =>
      this.#replace(resource, draft as unknown as KubeObject, (next, current) => ({
        ...current,
        status: next.status,
      })),
    );
  }

  patch<T>(resource: Resource<T>, ref: Ref, body: unknown, options: PatchOptions): Promise<T> {
    return this.#write({ verb: "patch", options }, resource, ref, body, () => {
      const current = this.#find(resource, ref);
      const next = patched(resource, current, body, options.type) as KubeObject;
      if (next.metadata.uid !== current.metadata.uid)
        throw refusal(
          422,
          "Invalid",
          `${resource.kind} "${ref.name}" is invalid: metadata.uid: Invalid value: "${next.metadata.uid}": field is immutable`,
        );
      return this.#replace(resource, next, (next, before) =>
        options.subresource === "status" ? { ...before, status: next.status } : next,
      );
    });
  }

  delete(resource: Resource<unknown>, ref: Ref, options: DeleteOptions = {}): Promise<KubeObject> {
    return this.#write({ verb: "delete", options }, resource as Resource<KubeObject>, ref, options, () => {
      const object = this.#find(resource, ref);
      const { uid } = options.preconditions ?? {};
      if (uid !== undefined && uid !== object.metadata.uid)
        throw refusal(409, "Conflict", `the uid of ${ref.name} is another`);
      if ((object.metadata.finalizers ?? []).length === 0) return this.#remove(resource, object);
      object.metadata.deletionTimestamp ??= "2026-01-01T00:00:00Z";
      return this.#store(resource, object, "MODIFIED");
    });
  }

  async deleteCollection(resource: Resource<unknown>, options: ListOptions & DeleteOptions): Promise<void> {
    for (const object of [...this.#table(resource).values()].filter(matcher(options)))
      await this.delete(resource, object.metadata, options);
  }

  createSubresource(
    resource: Resource<unknown>,
    ref: Ref,
    subresource: string,
    body: object,
    options: CallOptions = {},
  ) {
    const wanted = resource as Resource<KubeObject>;
    return this.#write({ verb: "subresource", options }, wanted, ref, body, () => {
      const pod = structuredClone(this.#find(resource, ref));
      if (subresource !== "binding") throw refusal(404, "NotFound", `no subresource ${subresource}`);
      const spec = pod.spec as { nodeName?: string };
      if (spec.nodeName) throw refusal(409, "Conflict", `pod ${ref.name} is already assigned to node`);
      const { target } = body as { target: { name: string } };
      pod.spec = { ...spec, nodeName: target.name };
      return this.#store(resource, pod, "MODIFIED");
    });
  }

  async *watch<T>(
    resource: Resource<T>,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void, void> {
    await this.intercept({ verb: "watch", resource: resource.plural, key: "" });
    const matches = matcher(options);
    let from = Number(options.resourceVersion ?? this.revision);
    if (options.sendInitialEvents) {
      if (this.refuseInitialEvents) throw refusal(422, "Invalid", "sendInitialEvents is forbidden");
      from = this.revision;
      const initial = structuredClone([...this.#table(resource).values()].filter(matches));
      for (const object of initial) yield { type: "ADDED", object: object as T };
      yield { type: "BOOKMARK", resourceVersion: String(from), initialEventsEnd: true };
    }
    for await (const change of this.#log.since(from, signal)) {
      if (change.kind === "bookmark") {
        if (options.allowWatchBookmarks)
          yield { type: "BOOKMARK", resourceVersion: String(change.revision), initialEventsEnd: false };
      } else if (change.resource === tableName(resource)) {
        const event = eventFor(change, matches);
        if (event !== undefined) yield structuredClone(event) as WatchEvent<T>;
      }
    }
  }

  /** Sends a bookmark on every open watch. */
  bookmark(): void {
    this.#log.bookmark();
  }

  async #write<T>(
    { verb, options }: { readonly verb: Call["verb"]; readonly options: CallOptions },
    resource: Resource<T>,
    ref: { readonly name?: string; readonly namespace?: string | undefined },
    body: unknown,
    act: () => KubeObject,
  ): Promise<T> {
    const call = { verb, resource: resource.plural, key: keyOfRef({ ...ref, name: ref.name ?? "" }), body };
    const hooks = await this.intercept(call);
    this.#checkHeld(options.heldLease);
    const result = structuredClone(act()) as T;
    this.actions.push(call);
    await hooks?.after();
    return result;
  }

  #checkHeld(said: HeldLease | undefined): void {
    if (said === undefined) return;
    const { spec, metadata } = (this.#table(resources.leases).get(keyOfRef(said)) ?? {}) as Partial<Lease>;
    const isHeld =
      spec?.holderIdentity === said.holder &&
      (spec.leaseTransitions ?? 0) === said.transitions &&
      (said.uid ?? metadata?.uid) === metadata?.uid;
    if (!isHeld) throw refusal(412, heldLeaseReason, "decided under a Lease that is not held any more");
  }

  #replace(
    resource: Resource<unknown>,
    draft: KubeObject,
    merge: (next: KubeObject, current: KubeObject) => KubeObject,
  ): KubeObject {
    const current = this.#find(resource, draft.metadata);
    const { resourceVersion } = draft.metadata;
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion)
      throw refusal(
        409,
        "Conflict",
        "the object has been modified; please apply your changes to the latest version",
      );
    const next = structuredClone(merge(draft, current));
    const specChanged = JSON.stringify(next.spec) !== JSON.stringify(current.spec);
    next.metadata = {
      ...next.metadata,
      uid: current.metadata.uid,
      creationTimestamp: current.metadata.creationTimestamp,
      generation: (current.metadata.generation ?? 1) + (specChanged ? 1 : 0),
    };
    const last = next.metadata.deletionTimestamp && (next.metadata.finalizers ?? []).length === 0;
    return last ? this.#remove(resource, next) : this.#store(resource, next, "MODIFIED");
  }

  #find(resource: Resource<unknown>, ref: Ref): KubeObject {
    const object = this.#table(resource).get(keyOfRef(ref));
    if (object === undefined) throw refusal(404, "NotFound", `${resource.plural} "${ref.name}" not found`);
    return object;
  }

  #store(resource: Resource<unknown>, object: KubeObject, type: "ADDED" | "MODIFIED"): KubeObject {
    const key = keyOfRef(object.metadata);
    const previous = this.#table(resource).get(key);
    const stored = {
      ...structuredClone(object),
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { ...object.metadata, resourceVersion: String(this.revision + 1) },
    };
    this.#table(resource).set(key, stored);
    this.#log.append({ resource: tableName(resource), type, object: stored, previous });
    return stored;
  }

  #remove(resource: Resource<unknown>, object: KubeObject): KubeObject {
    this.#table(resource).delete(keyOfRef(object.metadata));
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.revision + 1) } };
    this.#log.append({ resource: tableName(resource), type: "DELETED", object: gone, previous: object });
    return gone;
  }

  #table(resource: Resource<unknown>): Map<string, KubeObject> {
    const name = tableName(resource);
    const table = this.#objects.get(name) ?? new Map<string, KubeObject>();
    this.#objects.set(name, table);
    return table;
  }
}

const tableName = (resource: Resource<unknown>) => `${resource.group}/${resource.plural}`;

type Matcher = (object: KubeObject) => boolean;

function matcher(options: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector">): Matcher {
  const labels = parseSelector(options.labelSelector ?? "");
  const fields = (options.fieldSelector ?? "").split(",").filter((term) => term !== "");
  return (object) =>
    (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    fields.every((term) => holds(term, object));
}

function holds(term: string, object: KubeObject): boolean {
  const [, path = "", operator, value] = /^([^!=]+)(!=|==?)(.*)$/.exec(term) ?? [];
  let at: unknown = object;
  for (const step of path.split("."))
    at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  return (String(at ?? "") === value) === (operator !== "!=");
}

/** How a watch with a selector sees a change: objects that begin or cease to match are added or deleted. */
function eventFor(change: Change, matches: Matcher): WatchEvent | undefined {
  const now = change.type !== "DELETED" && matches(change.object);
  const before = change.previous !== undefined && change.type !== "ADDED" && matches(change.previous);
  if (now) return { type: before ? "MODIFIED" : "ADDED", object: change.object };
  return before ? { type: "DELETED", object: change.object } : undefined;
}

function patched(
  resource: Resource<unknown>,
  current: KubeObject,
  body: unknown,
  type: PatchOptions["type"],
): unknown {
  switch (type) {
    case "merge":
      return mergePatch(current, body);
    // What is applied is merged: who owns what is not noted here, and so nothing is taken out.
    case "apply":
    case "strategic":
      return asRead(
        strategicMergePatch(resource, structuredClone({ ...current }), body as Record<string, unknown>)
          .object,
      );
    case "json":
      return applyOperations(structuredClone(current), body as readonly Record<string, unknown>[]);
  }
}

/** What a server reads of a patched object: a field that is null is one that is not there. */
function asRead(object: unknown): unknown {
  return JSON.parse(JSON.stringify(object), (_, value) =>
    isRecord(value) ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null)) : value,
  );
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
