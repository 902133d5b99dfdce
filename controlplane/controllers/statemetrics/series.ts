import type { Stored } from "../../../client/object-cache.ts";
import type { Condition, OwnerReference, Resource } from "../../../client/types.ts";
import type { AllowLists } from "./allow-lists.ts";

/** What becomes of objects in kube-state-metrics' names: families of series, made of one object each. Pure. */

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  /** Beside those that all series of the object have. */
  readonly labels: Labels;
  readonly value: number;
}

export interface Family<T> {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  /** Its name and labels stay as they are: said in its help. */
  readonly isStable: boolean;
  readonly of: (object: T, allowed: AllowLists) => readonly Series[];
}

/** How the objects of one kind are told of. */
export interface StateKind<T> {
  readonly resource: Resource<T>;
  /** Which all its series have. */
  readonly labels: (object: T) => Labels;
  readonly families: readonly Family<T>[];
}

type Of<T> = Family<T>["of"];

export function stable<T>(name: string, help: string, of: Of<T>): Family<T> {
  return { name, help, type: "gauge", isStable: true, of };
}

export function alpha<T>(name: string, help: string, of: Of<T>): Family<T> {
  return { name, help, type: "gauge", isStable: false, of };
}

export function counter<T>(name: string, help: string, of: Of<T>): Family<T> {
  return { name, help, type: "counter", isStable: true, of };
}

/** One series; none where there is no value. */
export function one(value: number | undefined, labels: Labels = {}): readonly Series[] {
  return value === undefined ? [] : [{ labels, value }];
}

/** The series that says by its labels what there is to say. */
export const info = (labels: Labels = {}): readonly Series[] => one(1, labels);

/** Zero where a status has no number yet. */
export const count = (value: number | undefined): readonly Series[] => one(value ?? 0);

export const flag = (value: boolean | undefined): readonly Series[] => one(value ? 1 : 0);

/** Unix seconds; nothing of an absent time. */
export const moment = (time: string | undefined): readonly Series[] => one(unixSeconds(time));

export function unixSeconds(time: string | undefined): number | undefined {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

/** One series for each of the values that there can be: 1 for the one that is so. Nothing where none is. */
export function oneOf(
  label: string,
  values: readonly string[],
  current: string | undefined,
): readonly Series[] {
  if (current === undefined || current === "") return [];
  return values.map((value) => ({ labels: { [label]: value }, value: value === current ? 1 : 0 }));
}

const statuses = ["True", "False", "Unknown"] as const;

/** A series for each status that a condition can have. */
export function statusSeries(status: string, label: string, labels: Labels = {}): readonly Series[] {
  return statuses.map((one) => ({
    labels: { ...labels, [label]: one.toLowerCase() },
    value: one === status ? 1 : 0,
  }));
}

export function conditionSeries(
  conditions: readonly Pick<Condition, "type" | "status">[] | undefined,
): readonly Series[] {
  return (conditions ?? []).flatMap(({ type, status }) =>
    statusSeries(status, "status", { condition: type }),
  );
}

/** An object without owners has one series, with empty labels. */
export function ownerSeries({ metadata }: Stored): readonly Series[] {
  return ownersOf(metadata.ownerReferences).flatMap(({ kind, name, controller }) =>
    info({ owner_kind: kind, owner_name: name, owner_is_controller: controller }),
  );
}

export function ownersOf(
  owners: readonly OwnerReference[] | undefined,
): readonly { readonly kind: string; readonly name: string; readonly controller: string }[] {
  if (owners === undefined || owners.length === 0) return [{ kind: "", name: "", controller: "" }];
  return owners.map(({ kind, name, controller }) => ({
    kind,
    name,
    controller: String(controller === true),
  }));
}

export const created = <T extends Stored>({ metadata }: T) => moment(metadata.creationTimestamp);
export const deleted = <T extends Stored>({ metadata }: T) => moment(metadata.deletionTimestamp);
export const generation = <T extends Stored>({ metadata }: T) => count(metadata.generation);
export const versionSeries = <T extends Stored>({ metadata }: T) => {
  const version = Number(metadata.resourceVersion);
  return one(Number.isNaN(version) ? undefined : version);
};

export const createdHelp = "Unix creation timestamp";
export const deletedHelp = "Unix deletion timestamp";
