import type { Path } from "./path.ts";
import type { Range } from "./ranges.ts";
import type { CallShape, Form, Shape } from "./shape.ts";

/** What a call costs in one of its forms, and how large its result is. */
export interface CallCost extends Range {
  readonly size?: Range | undefined;
}

/** Something that a function is given. */
export interface Operand {
  readonly type: Shape["type"];
  readonly shape?: Shape;
  readonly path: Path;
  /** Where the expression itself tells. */
  readonly size: Range | undefined;
}

export interface Call {
  readonly shape: CallShape;
  readonly form: Form;
  readonly target: Operand | undefined;
  readonly args: readonly Operand[];
  /** Of the arguments. */
  readonly costs: readonly Range[];
}

/** By which name a function is called, and how large operands are: by the expression, or else by schemas. */
export interface Sized extends Call {
  readonly name: string;
  readonly sizeOf: (operand: Operand) => Range;
  /** Of a list, what one of its items is. */
  readonly itemOf: (list: Operand) => Operand | undefined;
}
