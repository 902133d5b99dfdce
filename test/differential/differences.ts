import type { Recorded, Step } from "../../controlplane/apiserver/recorded-answers.ts";

/** Where ours answers otherwise on purpose. Short, and it stays so: a difference without a reason is a fault. */
export interface Difference {
  readonly name: string;
  readonly why: string;
  readonly is: (step: Step, theirs: Recorded, ours: Recorded) => boolean;
}

export const differences: readonly Difference[] = [];
