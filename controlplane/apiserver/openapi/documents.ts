import type { Kind } from "../registry/kind.ts";
import { openapiV2Json, openapiV2Protobuf } from "./openapi-v2.ts";
import { groupVersionPaths, openapiV3Document, openapiV3Index } from "./openapi-v3.ts";

/** The documents of one server. What was asked for once is kept: about 1 MB of v3 text in all, as much of v2. */
export function openApiDocuments(kinds: readonly Kind[]): {
  index(): object;
  /** `path` as `apis/apps/v1`; `undefined` if nothing is served there. */
  document(path: string): string | undefined;
  v2Json(): string;
  v2Protobuf(): Uint8Array;
} {
  const paths = new Set(groupVersionPaths(kinds));
  const made = new Map<string, string>();
  let v2Text: string | undefined;
  let v2Bytes: Uint8Array | undefined;
  return {
    index: () => openapiV3Index(kinds),
    document(path) {
      if (!paths.has(path)) return undefined;
      const text = made.get(path) ?? openapiV3Document(kinds, path);
      made.set(path, text);
      return text;
    },
    v2Json() {
      v2Text ??= openapiV2Json(kinds);
      return v2Text;
    },
    v2Protobuf() {
      v2Bytes ??= openapiV2Protobuf(kinds);
      return v2Bytes;
    },
  };
}
