import type { Cancellation } from "../../../base/cancellation.ts";
import type { KubeObject } from "../../../client/types.ts";
import { type ApiError, forbidden, type StatusCause } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import type { JsonObject } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import type { LeaseClaim } from "../registry/lease-fence.ts";

/** One request as admission sees it, the same in every attempt to store what it asks for. */
export interface Requester {
  readonly user: User;
  /** As access rules have it: `create`, `update`, `patch` …; `update` for the server's own writes. */
  readonly verb: string;
  /** The door: "" is the object itself, else `status`, `eviction`, `binding` … */
  readonly subresource: string;
  /** The name in the request's URL; "" for what is made by POST, and for the server's own writes. */
  readonly name: string;
  /** The group and version of the API in which the client speaks; absent: the one that the kind is stored in. */
  readonly served?: ServedKind;
  /** The object of a collection that goes as a whole: to admission it has no name. */
  readonly isCollection?: true;
  /** The Lease under which this was decided; absent: whoever leads, it is to be done. */
  readonly claim?: LeaseClaim;
  /** Comes when nobody waits for the answer any more; its reason is what to say then. */
  readonly cancellation: Cancellation;
  /** CreateOptions, UpdateOptions or DeleteOptions, as far as the client said something. */
  options(operation: Operation): JsonObject | undefined;
  /** Sends a text to the user beside the answer (`Warning` header). */
  warn(text: string): void;
  /** Notes something about this request for whoever audits it. */
  annotate(key: string, value: string): void;
  /** So much time of the request was somebody else's. Absent: nobody asks. */
  readonly waited?: (ms: number) => void;
}

export type Operation = "create" | "update" | "delete" | "connect";

/** One write, its defaults filled in: whoever adds parts while mutating gives them whole, or has defaults filled in anew.
 *  `object` is what is about to be stored; while mutating it may still be changed, in place. */
export type Write =
  | { readonly operation: "create"; readonly object: KubeObject; readonly old?: undefined }
  | { readonly operation: "update"; readonly object: KubeObject; readonly old: KubeObject }
  | { readonly operation: "delete"; readonly old: KubeObject; readonly object?: undefined };

export interface Surroundings {
  /** The kind whose resource is asked for. */
  readonly kind: Kind;
  /** What `object` and `old` are, where a subresource has a type of its own: a Scale, an Eviction, a Binding. */
  readonly type?: ObjectType;
  readonly by: Requester;
  readonly dryRun: boolean;
}

export interface ObjectType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export type Attributes = Write & Surroundings;

/** What mutation of one attempt remembers: where what one plugin did later concerns others that had their turn, all plugins
 *  have a second turn, once. */
export class Rounds {
  isSecond = false;
  wantsSecond = false;
  readonly #notes = new Map<unknown, unknown>();

  /** What a plugin keeps from its first turn to its second. */
  noteOf<T>(plugin: unknown, make: () => T): T {
    if (!this.#notes.has(plugin)) this.#notes.set(plugin, make());
    return this.#notes.get(plugin) as T;
  }
}

/** Attributes while they may be changed. */
export type Mutable = Attributes & { readonly rounds?: Rounds };

/** A session with an object: exec, attach, portforward, proxy. */
export interface Connection {
  readonly kind: Kind;
  readonly by: Requester;
  readonly namespace: string;
  /** PodExecOptions and the like, with apiVersion and kind. */
  readonly options: JsonObject;
}

/** One step of one phase. Refuses by an ApiError. Where it need not wait for anything it is over at once, and then throws. */
export type Step<A> = (about: A) => Promise<void> | undefined | void;
export type Admission = Step<Mutable>;
export type ConnectAdmission = Step<Connection>;

/** Kubernetes' two phases. Both run in each attempt to store, on the state that the attempt goes on from: first all plugins
 *  may change the object, then its kind's own rules are asked, then all plugins may refuse what came of it. */
export interface Plugin {
  readonly mutate?: Admission;
  readonly validate?: Admission;
  /** The same for sessions; few plugins look at them. */
  readonly mutateConnect?: ConnectAdmission;
  readonly validateConnect?: ConnectAdmission;
}

export type Phases = Required<Plugin>;

/** A step that has nothing to say of most writes, and costs those nothing. */
export const where = (concerns: (attributes: Attributes) => boolean, step: Admission): Admission => {
  return (attributes) => (concerns(attributes) ? step(attributes) : undefined);
};

/** All plugins, each phase in their order. */
export function inOrder(...plugins: readonly Plugin[]): Phases {
  const { mutate, validate, mutateConnect, validateConnect } = {
    mutate: plugins.flatMap((plugin) => plugin.mutate ?? []),
    validate: plugins.flatMap((plugin) => plugin.validate ?? []),
    mutateConnect: plugins.flatMap((plugin) => plugin.mutateConnect ?? []),
    validateConnect: plugins.flatMap((plugin) => plugin.validateConnect ?? []),
  };
  return {
    mutate: twiceIfWanted(oneByOne(mutate)),
    validate: oneByOne(validate),
    mutateConnect: oneByOne(mutateConnect),
    validateConnect: oneByOne(validateConnect),
  };
}

function oneByOne<A>(steps: readonly Step<A>[]): Step<A> {
  const from = (first: number, about: A): ReturnType<Step<A>> => {
    for (let at = first; at < steps.length; at++) {
      const under = steps[at]?.(about);
      if (under !== undefined) return under.then(() => from(at + 1, about));
    }
    return undefined;
  };
  return (about) => from(0, about);
}

/** Plugins within plugins share the rounds of those around them. */
function twiceIfWanted(mutate: Admission): Admission {
  return (attributes) => {
    if (attributes.rounds !== undefined) return mutate(attributes);
    const rounds = new Rounds();
    const second = () => {
      if (!rounds.wantsSecond) return undefined;
      rounds.isSecond = true;
      return mutate({ ...attributes, rounds });
    };
    const first = mutate({ ...attributes, rounds });
    return first === undefined ? second() : first.then(second);
  };
}

/** Both phases of what has no second look: a deletion, a session. */
export async function admitDeletion(phases: Phases, attributes: Attributes): Promise<void> {
  await phases.mutate(attributes);
  await phases.validate(attributes);
}

/** Fills in the defaults of what others made of the object. */
export function applyDefaults({ kind, type }: Attributes, object: KubeObject): void {
  // What has a type of its own is no object of the kind.
  if (type === undefined) kind.applyDefaults(object);
}

/** The name that admission knows: none yet where it will be generated, none where a collection goes. */
export function admittedName({ by, object, old }: Attributes): string {
  if (by.isCollection) return "";
  return by.name || (object ?? old).metadata.name;
}

/** The namespace that a write is in; a Namespace is in itself. */
export function admittedNamespace({ kind, object, old }: Attributes): string {
  const { namespace = "", name } = (object ?? old).metadata;
  return kind.group === "" && kind.kind === "Namespace" ? name : namespace;
}

/** A refusal as Kubernetes words it: an object whose name is yet to be generated goes by what it is made from. */
export function refusal(attributes: Attributes, why: string, causes?: StatusCause[]): ApiError {
  const meta = (attributes.object ?? attributes.old).metadata;
  const name = admittedName(attributes) || meta.name || meta.generateName || "Unknown";
  return forbidden(attributes.by.served ?? attributes.kind, name, why, causes);
}
