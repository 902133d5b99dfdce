import type { ServedKind } from "../registry/kind-table.ts";
import { knowingStored } from "../registry/shown-selection.ts";
import { knowing } from "../registry/slow-conversion.ts";
import type { Answer } from "./call.ts";

type Whole = Exclude<Answer, { type: "stream" }>;

interface ConvertedAnswer {
  readonly answer: Whole;
  /** The form, which knows the answer's objects. */
  readonly served: ServedKind;
}

/** The answer, once those who convert its objects were asked, unless they were to choose them. */
export async function convertedAnswer(answer: Whole, served: ServedKind): Promise<ConvertedAnswer> {
  if (served.slow === undefined) return { answer, served };
  if (answer.type === "object") return { answer, served: await knowing(served, [answer.object]) };
  if (answer.type !== "list") return { answer, served };
  const { list } = answer;
  const known = list.known ?? (await knowingStored(served, list.items));
  return { answer: { ...answer, list: { ...list, known } }, served: known.served };
}
