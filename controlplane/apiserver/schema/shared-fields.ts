import type { FieldTree } from "./field-set.ts";
import { fieldShape } from "./field-shape.ts";
import type { SchemaType } from "./load.ts";
import { newFields } from "./new-fields.ts";
import { shareTree } from "./shared-trees.ts";

type Json = Readonly<Record<string, unknown>>;

/** Shapes that are remembered of each type; and the longest, so that they take no more than some megabytes. */
const shapesMax = 256;
const shapeCharactersMax = 16_384;

const known = new WeakMap<SchemaType, Map<string, FieldTree | undefined>>();

/** What `newFields` finds, made once for all objects of one shape: replicas differ in what their fields say, not in which ones they
 *  have. Nobody can change what is returned. */
export function sharedNewFields(
  type: SchemaType,
  object: Json,
  resets: readonly string[],
): FieldTree | undefined {
  const shape = `${resets.join("\n")}\n${fieldShape(type, object)}`;
  if (shape.length > shapeCharactersMax) return newFields(type, object, resets);
  let shapes = known.get(type);
  if (shapes === undefined) {
    shapes = new Map();
    known.set(type, shapes);
  }
  if (shapes.has(shape)) return shapes.get(shape);
  const tree = newFields(type, object, resets);
  // Shapes of which few objects are made come and go; those of many are soon back.
  if (shapes.size >= shapesMax) shapes.clear();
  shapes.set(shape, tree && shareTree(tree));
  return tree;
}
