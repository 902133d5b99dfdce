import type { SyncResult } from "../controller-loop.ts";
import type { Kind } from "../kube/define-kind.ts";
import type { Stored } from "../object-cache.ts";
import type { Scope } from "../reflector.ts";
import type { Ref } from "../types.ts";
import type { ReconcileContext } from "./context.ts";

/** Nothing: all is well until something changes. `requeueAfterMs`: look again then. */
export type ReconcileResult = SyncResult;

/** What one controller does for the objects of one kind. */
export interface Controller<T extends Stored> {
  readonly kind: Kind<T>;
  /** In events, metrics, logs and as the field manager of what it applies; the kind in lower case by default. */
  readonly name?: string;
  /** Which objects of the kind; all by default. Read through all namespaces unless one is given. */
  readonly scope?: Scope;
  /** Brings the cluster closer to what the object wants. Called when the object, what it owns, or what it watches has changed,
   *  after `requeueAfterMs`, after a failure, and once for every object when the controller begins; for one object never twice
   *  at once. Level-triggered: it must not matter why it is called or how often, nor where the last call was cut off. */
  readonly reconcile: (object: T, context: ReconcileContext<T>) => Promise<ReconcileResult>;
  /** Kinds of objects that this one makes: a change of one that is owned by an object of `kind` is that object's. */
  readonly owns?: readonly Kind<Stored>[];
  /** Other kinds whose changes matter. */
  readonly watches?: readonly Watched[];
  /** `example.com/bucket`: objects have this finalizer before `reconcile` sees them, and lose it once `finalize` has resolved
   *  without `requeueAfterMs`. Both or neither. */
  readonly finalizer?: string;
  /** Cleans up what is outside the cluster. Called, perhaps several times, for an object that is being deleted. */
  readonly finalize?: (object: T, context: ReconcileContext<T>) => Promise<ReconcileResult>;
  /** The object is gone: for forgetting what the program itself knows of it. */
  readonly gone?: (
    ref: Ref,
    context: Pick<ReconcileContext<T>, "api" | "cached" | "signal">,
  ) => Promise<void>;
  /** Whether a change of the object is worth looking at; every one by default. `specChanged` passes over those of the status
   *  alone. */
  readonly when?: (next: T, previous: T) => boolean;
  /** Objects that are worked on at once; 1 by default. */
  readonly concurrency?: number;
}

/** A controller of any kind, for lists of them. */
// biome-ignore lint/suspicious/noExplicitAny: what each does is typed where it is defined
export type AnyController = Controller<any>;

/** Objects of another kind whose changes are of interest to objects of the controller's. */
export interface Watched {
  readonly kind: Kind<Stored>;
  readonly scope?: Scope | undefined;
  /** The addresses of the objects that are to be looked at. */
  readonly refsOf: (object: Stored) => readonly Ref[];
}

/** A controller, checked. Throws `TypeError` naming all that is wrong with it. */
export function defineController<T extends Stored>(controller: Controller<T>): Controller<T> {
  const problems = controllerProblems(controller);
  if (problems.length > 0) throw new TypeError(`controller ${nameOf(controller)}: ${problems.join("; ")}`);
  return controller;
}

/** `refsOf` gets objects of the kind. */
export function watching<T extends Stored>(
  kind: Kind<T>,
  refsOf: (object: T) => readonly Ref[],
  scope?: Scope,
): Watched {
  // The informer of `kind` gives nothing else.
  return { kind, scope, refsOf: (object) => refsOf(object as T) };
}

/** The spec, the labels, annotations or finalizers changed, or the deletion began; not only the status. */
export function specChanged(next: Stored, previous: Stored): boolean {
  const wanted = ({ metadata }: Stored) =>
    JSON.stringify([
      metadata.generation,
      metadata.deletionTimestamp,
      metadata.labels,
      metadata.annotations,
      metadata.finalizers,
    ]);
  return wanted(next) !== wanted(previous);
}

export function nameOf(
  controller: Pick<Controller<never>, "name"> & { readonly kind: Kind<unknown> },
): string {
  return controller.name ?? controller.kind.kind.toLowerCase();
}

const nameForm = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const finalizerForm = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

function controllerProblems<T extends Stored>(controller: Controller<T>): readonly string[] {
  const problems: string[] = [];
  const { finalizer, finalize, concurrency = 1 } = controller;
  if (!nameForm.test(nameOf(controller)) || nameOf(controller).length > 63)
    problems.push("name: lower-case letters, digits, - and ., at most 63 of them");
  if ((finalizer === undefined) !== (finalize === undefined))
    problems.push("finalizer and finalize: both or neither");
  if (finalizer !== undefined && !finalizerForm.test(finalizer))
    problems.push(`finalizer ${JSON.stringify(finalizer)}: such as example.com/bucket`);
  if (!Number.isSafeInteger(concurrency) || concurrency < 1 || concurrency > 1000)
    problems.push(`concurrency ${concurrency}: 1 to 1000`);
  return problems;
}
