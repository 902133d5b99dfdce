import { type CollectionTag, type ScalarTag, stringify, type Tags } from "yaml";

/** An answer as YAML, with words quoted where Kubernetes quotes them. */
export function yamlAnswer(body: unknown): string {
  return stringify(body, form);
}

/** Kubernetes' clients read YAML 1.1, where some words are no strings: they are quoted. What stands in an answer twice is written
 *  twice. */
const form = {
  version: "1.1",
  sortMapEntries: true,
  aliasDuplicateObjects: false,
  indentSeq: false,
  customTags: (tags: Tags) => tags.map((tag) => (readsPoint(tag) ? { ...tag, test: pointedNumber } : tag)),
} as const;

/** A point alone, the name of an object's own place among managed fields, is a number for the library, and none for Kubernetes'. */
const readsPoint = (tag: Tags[number]): tag is ScalarTag =>
  typeof tag === "object" && isScalar(tag) && tag.test?.test(".") === true;
const isScalar = (tag: ScalarTag | CollectionTag): tag is ScalarTag => tag.collection === undefined;

const pointedNumber = /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/;
