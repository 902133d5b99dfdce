import { isDeepStrictEqual } from "node:util";
import type { Recorded, Step } from "../../controlplane/apiserver/recorded-answers.ts";

/** Where ours answers otherwise on purpose. Short, and it stays so: a difference without a reason is a fault. */
export interface Difference {
  readonly name: string;
  readonly why: string;
  readonly is: (step: Step, theirs: Recorded, ours: Recorded) => boolean;
}

export const differences: readonly Difference[] = [
  {
    name: "who asks",
    why: "the two servers know their clients by other names",
    is: ({ ask }, theirs, ours) =>
      ask.includes("/certificatesigningrequests") &&
      isDeepStrictEqual(withoutRequester(theirs), withoutRequester(ours)),
  },
];

function withoutRequester(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequester);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) =>
      ["username", "groups", "extra", "uid"].includes(name) ? [] : [[name, withoutRequester(one)]],
    ),
  );
}
