import { goFloat } from "../../../base/go-number.ts";
import { isObject, type JsonObject } from "../json.ts";
import { yamlKeyOrder } from "./yaml-key-order.ts";
import { YamlPage } from "./yaml-page.ts";
import { writeText } from "./yaml-scalar.ts";

/** An answer as YAML, byte for byte as Kubernetes' writer (go-yaml 2) writes it. */
export function yamlAnswer(body: unknown): string {
  const page = new YamlPage();
  writeNode(page, body, "document");
  return page.end();
}

/** Where a value stands. */
type Place = "document" | "item" | "value";

function writeNode(page: YamlPage, value: unknown, place: Place): void {
  if (Array.isArray(value)) {
    if (value.length === 0) page.indicator("[]");
    else writeList(page, value, place);
  } else if (isObject(value)) writeMap(page, value, place);
  else page.deeper(1, () => writeScalar(page, value));
}

function writeScalar(page: YamlPage, value: unknown): void {
  if (typeof value === "string") writeText(page, value, "value");
  else page.indicator(typeof value === "number" ? numberText(value) : String(value));
}

/** Whole numbers of 64 bits are written in full. */
function numberText(value: number): string {
  const isWhole = Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 64;
  return isWhole ? String(BigInt(value)) : goFloat(value);
}

function writeList(page: YamlPage, list: readonly unknown[], place: Place): void {
  const isIndented = place === "item" || (place === "value" && page.isLineOpen);
  page.deeper(isIndented ? 1 : 0, () => {
    for (const item of list) {
      page.indent();
      page.indicator("-", { isOpening: true });
      writeNode(page, item ?? null, "item");
    }
  });
}

function writeMap(page: YamlPage, map: JsonObject, place: Place): void {
  const keys = Object.keys(map).filter((key) => map[key] !== undefined);
  if (keys.length === 0) page.indicator("{}");
  page.deeper(place === "document" ? 0 : 1, () => {
    for (const key of keys.sort(yamlKeyOrder)) {
      page.indent();
      writeKey(page, key);
      writeNode(page, map[key], "value");
    }
  });
}

/** A long key, or one of several lines, is announced. */
function writeKey(page: YamlPage, key: string): void {
  if (Buffer.byteLength(key) <= longestKeyBytes && !/[\n\r\u0085\u2028\u2029]/.test(key)) {
    page.deeper(1, () => writeText(page, key, "key"));
    page.indicator(":", { isTight: true });
  } else {
    page.indicator("?", { isOpening: true });
    page.deeper(1, () => writeText(page, key, "value"));
    page.indent();
    page.indicator(":", { isOpening: true });
  }
}

const longestKeyBytes = 128;
