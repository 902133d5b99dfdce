import { type JsonObject, jsonText } from "../json.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import { partialMetadata, rowObject, type TableOptions, table } from "./shapes.ts";

/** The JSON of a table of many in parts, a row made when its turn comes: however many there are, one is in memory. The
 *  metadata that a row shows is a part of the object's JSON, which is at hand. */
export function* tableParts(
  options: TableOptions,
  items: readonly StoredObject[],
  metadata: JsonObject,
): Generator<Uint8Array> {
  const { rows, ...head } = table(options, [], metadata);
  if (items.length === 0) {
    yield Buffer.from(`${jsonText({ ...head, rows })}\n`);
    return;
  }
  const asMetadata = options.include === "Metadata" && options.view.kind?.bareMetadata === undefined;
  const metadataHead = jsonText(partialMetadata({}, options.version)).slice(0, -"{}}".length);
  let before = `${jsonText(head).slice(0, -1)},"rows":[`;
  for (const item of items) {
    const object = item.glance();
    const cells = jsonText(options.view.cells(object, options.nowMs));
    const row = `${before}{"cells":${cells},"object":`;
    if (asMetadata) {
      yield Buffer.from(row + metadataHead);
      yield item.metadataJson();
    } else yield Buffer.from(row + jsonText(rowObject(options, object)));
    before = asMetadata ? "}}," : "},";
  }
  yield Buffer.from(asMetadata ? "}}]}\n" : "}]}\n");
}
