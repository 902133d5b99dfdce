import { CORE_SCHEMA, defineScalarTag, intCoreTag, loadAll } from "js-yaml";
import { exactWhole } from "../../../base/exact-json.ts";
import { badRequest } from "../api-error.ts";
import { bodyBytesMax } from "../filters/read-body.ts";
import { isWithin } from "../nesting.ts";

/** YAML from outside. The parser takes time in proportion to the text and bounds nesting; aliases may not make more of
 *  it than a text could say without them. Fails with 400. Pure. */
export function readYaml(text: string): unknown {
  const value = parsed(text);
  if (isWithin(value, 2 * bodyBytesMax)) return value;
  throw badRequest("error converting YAML to JSON: yaml: document contains excessive aliasing");
}

function parsed(text: string): unknown {
  try {
    // Keys that stand twice are another's to find: the last one holds, as in Kubernetes' lax decoding.
    const bounds = { maxDepth: 100, maxTotalMergeKeys: 10_000 };
    return loadAll(text, { schema, json: true, ...bounds })[0];
  } catch (error) {
    throw badRequest(
      `error converting YAML to JSON: yaml: ${error instanceof Error ? firstLine(error.message) : error}`,
    );
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** As the parser's own, but that whole numbers are exact within 64 bits. */
const schema = CORE_SCHEMA.withTags(
  defineScalarTag(intCoreTag.tagName, {
    ...intCoreTag,
    resolve(source, isExplicit, tag) {
      const near = intCoreTag.resolve(source, isExplicit, tag);
      return typeof near === "number" && !Number.isSafeInteger(near) ? exactly(source) : near;
    },
  }),
);

function exactly(source: string): number | bigint {
  const size = BigInt(source.replace(/^[-+]/, ""));
  return exactWhole(String(source.startsWith("-") ? -size : size));
}
