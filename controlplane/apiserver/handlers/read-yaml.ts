import {
  defineMappingTag,
  defineScalarTag,
  defineSequenceTag,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  Schema,
  YAMLException,
} from "js-yaml";
import { ownField, setOwnField } from "../../../base/own-field.ts";
import { badRequest } from "../api-error.ts";
import { bodyBytesMax } from "../filters/request-body.ts";
import { isWithin } from "../nesting.ts";
import { beforeEarlyEnd, firstDocument } from "../schema/first-document.ts";
import { keyName, type PlainTag, type PlainValue, plainTag, plainValue } from "../schema/yaml-words.ts";
import { earlyEndComplaint, goComplaint } from "./yaml-complaints.ts";

/** YAML from outside, read as Kubernetes' library does: YAML 1.1's words, keys that are no texts as the texts that name them,
 *  tags that nobody knows passed over. The parser takes time in proportion to the text and bounds nesting; aliases may not
 *  make more of it than a text could say without them. Fails with 400. Pure. */
export function readYaml(text: string): unknown {
  if (otherVersion.test(text)) throw badRequest("yaml: found incompatible YAML document");
  const before = beforeEarlyEnd(text);
  if (before !== undefined) throw badRequest(earlyEndComplaint(before));
  const value = parsed(firstDocument(text));
  if (endless.test(text)) requireFinite(value);
  if (isWithin(value, 2 * bodyBytesMax)) return value;
  throw badRequest("yaml: document contains excessive aliasing");
}

const otherVersion = /^(?:[ \t]*(?:#.*)?\r?\n)*%YAML[ \t]+(?!1\.1(?:\s|$))/;

const endless = /\.(?:inf|nan)/i;

/** JSON has no such numbers; as keys they are texts. */
function requireFinite(value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    const shown = Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    throw badRequest(`json: unsupported value: ${shown}`);
  }
  if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) requireFinite(inner);
}

function parsed(text: string): unknown {
  try {
    // Keys that stand twice are another's to find: the last one holds, as in Kubernetes' lax decoding.
    const bounds = { maxDepth: 100, maxTotalMergeKeys: 10_000 };
    return loadAll(text, { schema, json: true, ...bounds })[0];
  } catch (error) {
    if (error instanceof YAMLException) throw badRequest(syntaxText(error, text));
    throw badRequest(error instanceof Error ? error.message : String(error));
  }
}

/** Kubernetes' words where the parser's fault is one of its library's, else the parser's own. */
function syntaxText(error: YAMLException, text: string): string {
  const { reason, mark, message } = error;
  const line = (mark?.line ?? 0) + 1;
  const alias = /^unidentified alias "(.*)"$/.exec(reason)?.[1];
  if (alias !== undefined) return `yaml: unknown anchor '${alias}' referenced`;
  if (reason.startsWith(nullKey)) return reason;
  if (reason.startsWith("cannot merge mappings"))
    return "yaml: map merge requires map or sequence of maps as the value";
  if (reason.startsWith("tab characters"))
    return `yaml: line ${line}: found a tab character that violates indentation`;
  return goComplaint(error, text) ?? `yaml: ${message.split("\n")[0]}`;
}

const nullKey = "unsupported map key of type: %!s(<nil>), key: <nil>";

const prefix = "tag:yaml.org,2002:";

/** A word with or without a tag of its own. */
function scalar(tag: PlainTag) {
  return defineScalarTag<PlainValue>(`${prefix}${tag}`, {
    implicit: tag !== "str",
    resolve: (word, isExplicit) => {
      if (tag === "str") return word;
      const found = plainTag(word);
      if (found === tag || (isExplicit && tag === "float" && found === "int")) return plainValue(word);
      if (!isExplicit) return NOT_RESOLVED;
      throw new Error(`yaml: cannot decode !!${found} \`${word}\` as a !!${tag}`);
    },
    identify: () => false,
  });
}

const binary = defineScalarTag(`${prefix}binary`, {
  resolve: (word) => {
    const digits = word.replaceAll(/\s/g, "");
    if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits))
      throw new Error("yaml: !!binary value contains invalid base64 data");
    return Buffer.from(digits, "base64").toString("utf8");
  },
  identify: () => false,
});

/** Dates are texts, whatever they say. */
const timestamp = defineScalarTag(`${prefix}timestamp`, { resolve: (word) => word, identify: () => false });

type Carrier = Record<string, unknown>;

const mappingOptions = {
  create: (): Carrier => ({}),
  addPair: (carrier: Carrier, key: unknown, value: unknown) => {
    const name = typeof key === "object" && key !== null ? undefined : keyName(key as PlainValue);
    if (name === undefined) return key === null ? nullKey : "invalid map key";
    setOwnField(carrier, name, value);
    return "";
  },
  has: (carrier: Carrier, key: unknown) => Object.hasOwn(carrier, String(keyName(key as PlainValue))),
  keys: (carrier: Carrier) => Object.keys(carrier),
  get: (carrier: Carrier, key: unknown) => ownField(carrier, String(key)),
  identify: () => false,
};

const sequenceOptions = {
  create: (): unknown[] => [],
  addItem: (carrier: unknown[], item: unknown) => {
    carrier.push(item);
  },
  identify: () => false,
};

/** Tags that nobody knows say nothing: what they stand before is read by its looks. */
const unknownTags = ["!", "tag:"].flatMap((start) => [
  defineScalarTag(start, { matchByTagPrefix: true, resolve: (word) => word, identify: () => false }),
  defineSequenceTag(start, { matchByTagPrefix: true, ...sequenceOptions }),
  defineMappingTag(start, { matchByTagPrefix: true, ...mappingOptions }),
]);

const schema = new Schema([
  scalar("str"),
  scalar("null"),
  scalar("bool"),
  scalar("int"),
  scalar("float"),
  binary,
  timestamp,
  mergeTag,
  defineSequenceTag(`${prefix}seq`, sequenceOptions),
  defineMappingTag(`${prefix}map`, mappingOptions),
  ...unknownTags,
]);
