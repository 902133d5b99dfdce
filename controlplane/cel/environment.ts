import type { CelType } from "./types.ts";
import { CostExceeded, type Value } from "./values.ts";

/** What an expression may name. */
export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: FunctionTable;
  /** Messages that it may make, by name; absent: none. */
  readonly messages?: (name: string) => Message | undefined;
  /** Whether it may give a value a name: `cel.bind(name, value, expression)`. */
  readonly binds?: true;
}

/** A message that an expression can make: `Object{spec: …}`. */
export interface Message {
  readonly type: CelType;
  /** The type of a field; undefined where there is no such field. */
  readonly field: (name: string) => CelType | undefined;
  readonly make: (fields: ReadonlyMap<string, Value>) => Value;
}

export type FunctionTable = ReadonlyMap<string, readonly Overload[]>;

/** One signature of a function; that of a method has its receiver first. */
export interface Overload {
  readonly name: string;
  readonly isMethod: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly run: (args: readonly Value[], meter: Meter) => Value;
}

/** Counts what an evaluation costs and ends it when that is too much: expressions and what they look at come from outside. */
export class Meter {
  #left: number;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  get spent(): number {
    return this.#limit - this.#left;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new CostExceeded();
  }

  /** Texts and bytes are read ten at a time. */
  spendText(length: number): void {
    this.spend(Math.ceil(length / 10));
  }
}

/** Costs of one expression, and of all expressions on one object, as in Kubernetes. */
export const costLimits = {
  expressionMax: 1_000_000,
  objectMax: 10_000_000,
  matchConditionsMax: 2_500_000,
} as const;

type Run = (args: readonly Value[], meter: Meter) => Value;

export const fn = (name: string, args: readonly CelType[], result: CelType, run: Run): Overload => ({
  name,
  isMethod: false,
  args,
  result,
  run,
});

export const method = (name: string, args: readonly CelType[], result: CelType, run: Run): Overload => ({
  name,
  isMethod: true,
  args,
  result,
  run,
});

export function functionTable(...libraries: readonly (readonly Overload[])[]): FunctionTable {
  const table = new Map<string, Overload[]>();
  for (const overload of libraries.flat()) {
    const known = table.get(overload.name);
    if (known === undefined) table.set(overload.name, [overload]);
    else known.push(overload);
  }
  return table;
}
