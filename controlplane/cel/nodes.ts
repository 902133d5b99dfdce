import type { Meter, Overload } from "./environment.ts";
import type { CelType } from "./types.ts";
import { CelError, type Value } from "./values.ts";

/** Expressions made ready to run, and what they run in. */

/** What a running expression knows. */
export interface Frame {
  readonly variables: ReadonlyMap<string, Value>;
  readonly meter: Meter;
  /** The variables of macros. */
  readonly slots: Value[];
}

export interface Node {
  readonly type: CelType;
  readonly run: (frame: Frame) => Value;
  /** Set where the value is written out. */
  readonly literal?: { readonly value: Value; readonly offset: number };
  /** Of a variable or a type, by its whole name. */
  readonly name?: string;
  /** Of a call, the forms that may be meant. */
  readonly forms?: readonly Overload[];
  /** Of a list that is written out, its items. */
  readonly items?: readonly { readonly type: CelType; readonly offset: number }[];
}

/** The variables of the macros around. */
export class Scope {
  readonly #own: ReadonlyMap<string, { readonly type: CelType; readonly slot: number }>;
  readonly #parent: Scope | undefined;

  constructor(
    own: ReadonlyMap<string, { readonly type: CelType; readonly slot: number }> = new Map(),
    parent?: Scope,
  ) {
    this.#own = own;
    this.#parent = parent;
  }

  find(name: string): { readonly type: CelType; readonly slot: number } | undefined {
    return this.#own.get(name) ?? this.#parent?.find(name);
  }
}

/** The value, or what went wrong. */
export function outcome(node: Node, frame: Frame): Value | CelError {
  try {
    return node.run(frame);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}
