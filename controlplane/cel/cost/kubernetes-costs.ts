import { sameType } from "../types.ts";
import { patternCost, patternFactor, textFactor } from "./built-in-costs.ts";
import type { CallCost, Operand, Sized } from "./call.ts";
import { exactly, most, nothing, one, plus, type Range, scaled, sum, times } from "./ranges.ts";

/** What Kubernetes says that its functions cost (k8s.io/apiserver's pkg/cel/library/cost.go), beside their arguments;
 *  undefined: it leaves that to cel-go. */
export function kubernetesCost(call: Sized): CallCost | undefined {
  const { name, form, target, args, sizeOf, itemOf } = call;
  const [first, second] = args;
  const read = (operand: Operand | undefined, factor = textFactor): CallCost | undefined =>
    operand === undefined ? undefined : scaled(sizeOf(operand), factor);
  const kept = (operand: Operand | undefined, factor = textFactor): CallCost | undefined =>
    operand === undefined ? undefined : { ...scaled(sizeOf(operand), factor), size: sizeOf(operand) };
  if (nominal.has(name)) return one;
  switch (name) {
    case "check":
      return exactly(350_000);
    case "fieldSelector":
    case "labelSelector":
      return first === undefined ? undefined : selectorCost(sizeOf(first));
    case "isSorted":
    case "sum":
    case "max":
    case "min":
    case "indexOf":
    case "lastIndexOf": {
      if (target === undefined) return undefined;
      const item = itemOf(target);
      if (item === undefined) return read(target);
      const isText = item.type.kind === "string" || item.type.kind === "bytes";
      const each = isText ? plus(one, scaled(sizeOf(item), textFactor)) : one;
      return times(sizeOf(target), each);
    }
    case "url":
    case "jsonpatch.escapeKey":
      return kept(first);
    case "lowerAscii":
    case "upperAscii":
    case "substring":
    case "trim":
      return kept(target);
    case "replace":
      if (target === undefined || first === undefined || second === undefined) return undefined;
      return {
        ...scaled(sizeOf(target), 2 * textFactor),
        size: replacedSize(sizeOf(target), sizeOf(first), sizeOf(second)),
      };
    case "split": {
      if (target === undefined) return undefined;
      const size = sizeOf(target);
      const limit = second?.shape?.kind === "literal" ? second.shape.value : undefined;
      const max = typeof limit === "bigint" ? (limit < 0n ? most : Number(limit)) : size.max;
      return { ...scaled(size, 2 * textFactor), size: { min: 0, max } };
    }
    case "join":
      return target === undefined ? undefined : joinCost(call, target);
    case "find":
    case "findAll": {
      if (target === undefined || first === undefined) return undefined;
      const size = sizeOf(target);
      return { ...patternCost(size, sizeOf(first)), size: { min: 0, max: size.max } };
    }
    case "ip":
      if (target?.type.kind === "opaque") return one;
      return read(first);
    case "cidr":
    case "isIP":
    case "isCIDR":
    case "quantity":
    case "isQuantity":
    case "semver":
    case "isSemver":
      return read(first);
    case "ip.isCanonical":
      return read(first, 2 * textFactor);
    case "containsIP":
    case "containsCIDR": {
      if (first === undefined) return undefined;
      const address = { min: 4, max: 16 };
      const compared = scaled(plus(address, address), textFactor);
      const masked = name === "containsIP" ? nothing : plus(scaled(address, textFactor), one);
      const parsed = form.args[1]?.kind === "string" ? scaled(sizeOf(first), textFactor) : nothing;
      return sum([compared, masked, parsed]);
    }
    case "validate":
      return first === undefined
        ? undefined
        : scaled(scaled(sizeOf(first), textFactor), namePatternMax * patternFactor);
    case "_==_":
      return first === undefined || second === undefined ? undefined : sameOpaque(first, second);
    default:
      return undefined;
  }
}

const namePatternMax = 128;
const formatMax = 64;

/** Builders and accessors. */
const nominal: ReadonlySet<string> = new Set([
  "serviceAccount",
  "path",
  "group",
  "resource",
  "subresource",
  "namespace",
  "name",
  "allowed",
  "reason",
  "error",
  "errored",
  "masked",
  "prefixLength",
  "family",
  "isUnspecified",
  "isLoopback",
  "isLinkLocalMulticast",
  "isLinkLocalUnicast",
  "isGlobalUnicast",
  "format.named",
  "sign",
  "asInteger",
  "isInteger",
  "asApproximateFloat",
  "isGreaterThan",
  "isLessThan",
  "compareTo",
  "add",
  "sub",
  "major",
  "minor",
  "patch",
  "getScheme",
  "getHostname",
  "getHost",
  "getPort",
  "getEscapedPath",
  "getQuery",
]);

/** Of each two characters there may be a requirement, which is a list and a structure. */
function selectorCost(length: Range): Range {
  return sum([exactly(10), scaled(length, textFactor), scaled(scaled(length, 0.5), 50)]);
}

function joinCost({ args, sizeOf, itemOf }: Sized, list: Operand): CallCost {
  const count = sizeOf(list);
  const item = itemOf(list);
  const [separator] = args;
  let size = item === undefined ? nothing : times(count, sizeOf(item));
  if (separator !== undefined) {
    const between = { min: Math.max(count.min - 1, 0), max: Math.max(count.max - 1, 0) };
    size = plus(size, times(sizeOf(separator), between));
  }
  return { ...scaled(size, textFactor), size };
}

/** How long a text is after parts of it were replaced. */
function replacedSize(text: Range, from: Range, to: Range): Range {
  const longest = replacements(text.max, from.min, to.max <= from.min);
  const shortest = replacements(text.min, from.max, from.max <= to.min);
  const counts = { min: shortest.count, max: longest.count };
  return plus(times(counts, to), { min: shortest.kept, max: longest.kept });
}

/** @param keepsLength Replacing makes no difference in the direction that is asked for. */
function replacements(length: number, part: number, keepsLength: boolean): { count: number; kept: number } {
  // Nothing is replaced before, between and after all characters.
  if (part === 0) return { count: Math.min(length + 1, most), kept: length };
  if (keepsLength) return { count: 0, kept: length };
  return { count: Math.ceil(length / part), kept: 0 };
}

const alike: readonly string[] = ["net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver"];

function sameOpaque(left: Operand, right: Operand): CallCost | undefined {
  if (left.type.kind !== "opaque" || !sameType(left.type, right.type)) return undefined;
  const { name } = left.type;
  if (alike.includes(name) || name.startsWith("kubernetes.authorization.")) return one;
  if (name === "kubernetes.NamedFormat") return scaled({ min: 1, max: formatMax }, textFactor);
  if (name !== "kubernetes.URL") return undefined;
  return scaled({ min: 1, max: right.size?.max ?? 1 }, textFactor);
}
