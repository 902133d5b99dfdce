import type { Overload } from "../environment.ts";
import type { CelType } from "../types.ts";
import type { Value } from "../values.ts";

/** A checked expression as cel-go has it after macros were expanded: what costs are estimated of. Each object is one place. */
export type Shape =
  | { readonly kind: "literal"; readonly value: Value; readonly type: CelType }
  | { readonly kind: "name"; readonly name: string; readonly type: CelType }
  | FieldShape
  | CallShape
  | { readonly kind: "list"; readonly items: readonly Shape[]; readonly type: CelType }
  | {
      readonly kind: "map";
      readonly entries: readonly (readonly [Shape, Shape])[];
      readonly type: CelType;
    }
  | { readonly kind: "message"; readonly values: readonly Shape[]; readonly type: CelType }
  | LoopShape
  | BindShape
  | OptionalMapShape;

export interface FieldShape {
  readonly kind: "field";
  readonly operand: Shape;
  readonly name: string;
  readonly isTest: boolean;
  readonly type: CelType;
}

/** Which form of a function may be meant; the receiver's type stands first. */
export type Form = Pick<Overload, "args" | "result">;

export interface CallShape {
  readonly kind: "call";
  readonly name: string;
  readonly forms: readonly Form[];
  readonly target?: Shape;
  readonly args: readonly Shape[];
  readonly type: CelType;
}

export interface LoopShape {
  readonly kind: "loop";
  readonly range: Shape;
  readonly names: readonly string[];
  readonly init: Shape;
  readonly condition: Shape;
  readonly step: Shape;
  readonly result: Shape;
  readonly type: CelType;
}

/** A name for a value, in another expression. */
export interface BindShape {
  readonly kind: "bind";
  readonly name: string;
  readonly value: Shape;
  readonly result: Shape;
  readonly type: CelType;
}

/** `source.optMap(name, body)`. */
export interface OptionalMapShape {
  readonly kind: "optionalMap";
  readonly source: Shape;
  readonly name: string;
  readonly item: CelType;
  readonly body: Shape;
  /** The body gives what is in the optional, not an optional. */
  readonly wraps: boolean;
  readonly type: CelType;
}

/** What loops gather, under a name that no expression can write. */
export const gathered = "@result";
