import type { KubeObject } from "../../../client/types.ts";
import type { RuleTimes } from "../customresources/rule-times.ts";
import type { Feature } from "../features.ts";
import type { User } from "../filters/authentication.ts";
import type { JsonObject } from "../json.ts";
import type { ObjectSchema } from "../schemas.ts";

/** What validation knows of the cluster beside the object. */
export interface ClusterFacts {
  /** Endpoints may be at loopback addresses: the API server is, or pods are processes there. */
  readonly loopbackEndpoints: boolean;
}

/** What validation is handed beside the object. */
export interface ValidationContext extends ClusterFacts {
  readonly ruleTimes?: RuleTimes;
  /** Features of Kubernetes that are on here and off there. */
  readonly features?: ReadonlySet<Feature>;
}

/** Everything the generic registry, the handlers, discovery and printing need to know of a kind. A kind is a value:
 *  `resources/` holds one file per kind or small group, `resources/table.ts` lists them all. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** `all` makes `kubectl get all` show it. */
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Verbs beyond the usual eight are never served; leave out what the kind does not support. */
  readonly verbs?: readonly Verb[];
  /** The path element under `/registry/` where it differs from `plural` (services are under `services/specs`, nodes
   *  under `minions`, endpoints under `services/endpoints`, leases under `leases`, as in Kubernetes). */
  readonly storagePrefix?: string;
  /** The version that Kubernetes stores objects in, where that is an older one than ours: discovery's hash is made of it. */
  readonly hashedVersion?: string;
  readonly subresources: Subresources;
  /** The kind counts spec changes in metadata.generation. */
  readonly hasGeneration?: boolean;
  /** Set where only other forms are served: objects are stored in a version that nobody can ask for any more. */
  readonly hidesOwnForm?: true;
  /** Further groups and versions that serve the kind; it is stored in its own. */
  readonly otherForms?: readonly OtherForm[];
  /** Set where others are asked to convert: for each version that serves the kind. Objects may then be held in a version other
   *  than the kind's, the one that they were stored in. */
  readonly slowForm?: (version: string) => SlowConversion;
  /** What clients that use this version are told beside each answer. */
  readonly deprecation?: string;
  /** What is known of its fields; absent: what the schema of built-in kinds says. */
  readonly schema?: ObjectSchema;
  /** What of an object the generation counts beside the spec (annotations of deployments, which their replica sets copy). */
  readonly alsoCounted?: (object: KubeObject) => unknown;
  /** PUT of what is absent creates it. */
  readonly createsOnUpdate?: true;
  /** PUT must name the version that it replaces. */
  readonly needsVersion?: true;
  /** An object's metadata where they are shown alone: without what stands for a field of the object. */
  readonly bareMetadata?: (metadata: KubeObject["metadata"]) => KubeObject["metadata"];
  /** A deletion answers with what is gone, where others answer with a Status. */
  readonly returnsDeleted?: true;
  /** By subresource, "" for the object itself: the fields that a write through it does not set, whatever it says, as paths
   *  like `f:status`. Absent: everything but what the subresource is for. */
  readonly resets?: Readonly<Record<string, readonly string[]>>;
  /** A name that is to be made up is what it was to begin with. */
  readonly namesAsAsked?: true;
  /** Metadata that …/status leaves as it is, by the strategy of the kind. */
  readonly statusKeeps?: readonly ("labels" | "annotations" | "finalizers" | "ownerReferences")[];

  /** Fills in defaults as Kubernetes' defaulting does; mutates `object`. Idempotent. Also run on read from storage. */
  readonly applyDefaults: (object: KubeObject) => void;
  /** Clears what a client may not set (status) and sets what the server decides; mutates. Runs after defaults.
   *  @param user Who makes the object; absent: nobody that is known. */
  readonly prepareForCreate?: (object: KubeObject, user?: User) => void;
  /** Carries over what an update through the main resource may not change (status); mutates `next`. */
  readonly prepareForUpdate?: (next: KubeObject, current: KubeObject) => void;
  /** What the server adds to a change of status; mutates `next`. `now` is an RFC 3339 time. */
  readonly prepareForStatus?: (next: KubeObject, current: KubeObject, now: string) => void;
  /** Leaves out of `next` what belongs to features that are off, as far as `current` does not have it; mutates `next`. Runs on
   *  create, and on updates through the main resource and …/status. */
  readonly dropDisabled?: (next: KubeObject, current?: KubeObject, context?: ValidationContext) => void;
  /** @param current What is stored, in an update: faults of values that the rules of their time took, and that the update
   *  does not touch, are no reason to refuse it.
   *  @param part Set where nothing else of the object can be other than it was. */
  readonly validate: (
    object: KubeObject,
    context?: ValidationContext,
    current?: KubeObject,
    part?: "status",
  ) => readonly FieldError[];
  /** What is wrong with an object that changes, its metadata among what `validate` found (`rules`), told as often as Kubernetes
   *  asks and in its order; `kept`: what an update may not change, and does. Absent: `validate` looks at metadata. */
  readonly validateChanged?: (next: KubeObject, found: FoundInChange) => readonly FieldError[];
  /** What holds for new objects beside `validate`. */
  readonly validateCreate?: (object: KubeObject) => readonly FieldError[];
  readonly validateUpdate?: (next: KubeObject, current: KubeObject) => readonly FieldError[];
  /** What holds for a change of status beside `validate`. */
  readonly validateStatus?: (next: KubeObject, current: KubeObject) => readonly FieldError[];
  /** What a client is told beside the answer of an object that it makes, or changes through the main resource: what is allowed,
   *  but hardly meant. */
  readonly warnings?: (next: KubeObject, current?: KubeObject) => readonly string[];
  /** What whoever makes an object is told of it as it was sent, even where it is refused. */
  readonly earlyWarnings?: (object: KubeObject) => readonly string[];
  /** The fields that `--field-selector` may name beside metadata.name and metadata.namespace. */
  readonly selectableFields?: (object: KubeObject) => Readonly<Record<string, string>>;
  /** What clients call them, with their names, where the kind is none of those in field-labels.ts. */
  readonly fieldLabels?: FieldLabels;
  /** Set where `columns` is the whole table and no NAME column goes before it (events name themselves last). */
  readonly columnsIncludeName?: true;
  /** Set where Kubernetes has no columns of its own for the kind: an empty table has no rows instead of an empty list of them. */
  readonly noRowsAreNull?: true;
  /** Table output: columns after NAME, and the cells of one object in the same order. `now` is wall time in ms. */
  readonly columns: readonly Column[];
  readonly cells: (object: KubeObject, nowMs: number) => readonly Cell[];
  /** Present where deletion leaves a grace period (pods). Seconds for this object, of what was asked for. */
  readonly gracePeriodSeconds?: (object: KubeObject, askedSeconds: number | undefined) => number;
  /** Marks the object beyond its deletionTimestamp when its deletion begins; mutates. */
  readonly prepareForDelete?: (object: KubeObject, now: string) => void;
  /** What the server allocates on create, update and delete (service IPs and node ports). */
  readonly allocates?: "service";
  /** Objects vanish so many seconds after their last write (events). */
  readonly ttlSeconds?: number;
  /** A question that is answered and never stored. */
  readonly isReview?: true;
  /** Objects are made up for each answer, of what the server finds. */
  readonly isReported?: true;
  /** A delete that names no propagation policy leaves dependents behind (replication controllers and jobs, as of old). */
  readonly orphansByDefault?: true;
  /** What whoever deletes objects without a propagation policy is told. */
  readonly deletionWarning?: string;
}

/** What is known of an object that changes before the kind looks at its metadata. */
export interface FoundInChange {
  readonly via: "object" | "status";
  readonly kept: readonly FieldError[];
  readonly rules: readonly FieldError[];
}

/** Conversion that takes its time, since others are asked (webhooks of custom resources): many objects at once. The plain
 *  `toServed` of such a kind knows only what needs no conversion. */
export interface SlowConversion {
  readonly toServed: (objects: readonly KubeObject[]) => Promise<readonly JsonObject[]>;
  readonly fromServed: (object: JsonObject) => Promise<JsonObject>;
  /** What an object of the version says in its selectable fields, by the names that the version's labels have. */
  readonly fieldTexts: (shown: JsonObject) => Readonly<Record<string, string>>;
}

/** A kind as another group or version shows it (events under events.k8s.io). */
export interface OtherForm {
  readonly group: string;
  readonly version: string;
  readonly toServed: (object: KubeObject) => JsonObject;
  /** From what passed the form's own schema. */
  readonly fromServed: (object: JsonObject) => JsonObject;
  readonly deprecation?: string;
  /** Where they differ from the kind's own. */
  readonly schema?: ObjectSchema;
  readonly view?: TableColumns;
  readonly fieldLabels?: FieldLabels;
  readonly subresources?: Subresources;
  readonly rules?: VersionRules;
}

/** What holds for objects that come in one version, where each has rules of its own: takes the place of all of the kind's. The
 *  objects are in the form that is stored. */
export type VersionRules = Pick<
  Kind,
  | "prepareForCreate"
  | "prepareForUpdate"
  | "validate"
  | "validateCreate"
  | "validateUpdate"
  | "validateStatus"
  | "resets"
>;

/** By label: the name among the selectable fields. */
export type FieldLabels = Readonly<Record<string, string>>;

export interface TableColumns {
  readonly columns: readonly Column[];
  readonly cells: (object: KubeObject, nowMs: number) => readonly Cell[];
}

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export interface Subresources {
  /** PUT/PATCH/GET …/status changes status only. */
  readonly status?: true;
  readonly scale?: {
    readonly replicas: (object: KubeObject) => number;
    readonly setReplicas: (object: KubeObject, replicas: number) => void;
    /** Where the number stands, as elements of a path (`f:spec`); absent: spec.replicas. */
    readonly path?: readonly string[];
    /** Where that number should stand, as it is told of an object that has none; absent: all have one. */
    readonly missingReplicas?: (object: KubeObject) => string | undefined;
    readonly currentReplicas: (object: KubeObject) => number;
    /** The label selector as text. */
    readonly selector: (object: KubeObject) => string;
  };
  /** Parts of an object that only a subresource of their own changes, by its name: pods/resize. */
  readonly parts?: Readonly<Record<string, Part>>;
  /** Served by a handler of its own: binding, eviction, log, exec, attach, portforward, proxy, finalize, token… */
  readonly special?: readonly string[];
}

/** A part of an object: PUT, PATCH and GET of …/NAME speak of the whole object, and change no more than the part. */
export interface Part {
  /** `current` with what of `wanted` the part is; labels and the like are not its affair. */
  readonly take: (current: KubeObject, wanted: KubeObject, now: string) => KubeObject;
  /** Labels and the like may be changed along with it. */
  readonly withMetadata?: true;
  /** What holds for a change of the part beside the kind's `validate`. */
  readonly validate: (next: KubeObject, current: KubeObject) => readonly FieldError[];
}

export type Cell = string | number | bigint | boolean | null;
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date" | "boolean";
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown; 1 only with `-o wide`. */
  readonly priority: number;
}

/** One problem in a manifest, worded as Kubernetes words it. */
export interface FieldError {
  readonly reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueDuplicate"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueNotFound"
    | "FieldValueTypeInvalid"
    | "InternalError";
  /** The path, e.g. `spec.template.spec.containers[0].name`. */
  readonly field: string;
  /** The whole text after `field: `, e.g. `Invalid value: "X_Y": a lowercase RFC 1123 label must…`. */
  readonly message: string;
}
