import { ApiError } from "../api-error.ts";
import { isObject, type JsonObject, stringOf } from "../json.ts";
import { parseFieldSelector, parseLabelSelector } from "../registry/selectors.ts";
import { requirementsOf } from "../resources/review-selectors.ts";

/** The selectors of a review's resourceAttributes as an authorizer sees them. Pure. */
export interface AskedSelectors {
  /** Fields that are fixed to one value; absent where no field selector is named. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What of the question was left out because it cannot be read, as Kubernetes words it; empty: nothing. */
  readonly evaluationError: string;
}

export function askedSelectors({ fieldSelector, labelSelector }: JsonObject): AskedSelectors {
  const field = isObject(fieldSelector) ? readFields(fieldSelector) : undefined;
  // No rule looks at labels; what cannot be read of them is named all the same.
  const label = isObject(labelSelector) ? readLabels(labelSelector) : undefined;
  const evaluationError = [fault("fieldSelector", field), fault("labelSelector", label)]
    .filter((text) => text !== "")
    .join("; ");
  return { ...(field && { fields: Object.fromEntries(field.fixed) }), evaluationError };
}

interface Read {
  /** Requirements that could be read, and those that could not. */
  readonly known: number;
  readonly unknown: number;
}

function fault(name: string, read: Read | undefined): string {
  if (read === undefined || read.unknown === 0) return "";
  return `spec.resourceAttributes.${name} ${read.known > 0 ? "partially " : ""}ignored due to parse error`;
}

function readFields(selector: JsonObject): Read & { readonly fixed: readonly [string, string][] } {
  const requirements = requirementsOf(selector);
  if (requirements.length === 0) {
    const parsed = parsedOr(() => parseFieldSelector(stringOf(selector.rawSelector)));
    const fixed = (parsed ?? []).filter(({ equal }) => equal);
    return {
      known: parsed?.length ?? 0,
      unknown: parsed === undefined ? 1 : 0,
      fixed: fixed.map(({ field, value }) => [field, value]),
    };
  }
  const known = requirements.filter(
    ({ operator, values }) => (operator === "In" || operator === "NotIn") && values.length === 1,
  );
  const fixed = known.filter(({ operator }) => operator === "In");
  return {
    known: known.length,
    unknown: requirements.length - known.length,
    fixed: fixed.map(({ key, values: [value = ""] }) => [key, value]),
  };
}

const labelOperators = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

function readLabels(selector: JsonObject): Read {
  const requirements = requirementsOf(selector);
  if (requirements.length === 0) {
    const parsed = parsedOr(() => parseLabelSelector(stringOf(selector.rawSelector)));
    return { known: parsed?.length ?? 0, unknown: parsed === undefined ? 1 : 0 };
  }
  const known = requirements.filter(({ operator }) => labelOperators.has(operator)).length;
  return { known, unknown: requirements.length - known };
}

/** Undefined: the text is no selector. */
function parsedOr<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}
