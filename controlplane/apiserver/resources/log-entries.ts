import { pathSegment } from "../../../client/rules/names.ts";
import { logsGroup } from "../filters/search-rights.ts";
import type { Kind } from "../registry/kind.ts";
import { kindOf } from "./typed-kind.ts";

/** Lines of logs, for discovery: they are found by a search (`logsearch/`), and are no objects that could be listed or watched. */
export const logEntries: Kind = kindOf<{ readonly metadata: { readonly name: string } }>({
  group: logsGroup,
  version: "v1",
  kind: "LogEntry",
  plural: "entries",
  singular: "entry",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: ["get"],
  isReported: true,
  subresources: {},
  storagePrefix: `${logsGroup}/entries`,
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: () => [],
  columns: [],
  cells: () => [],
});
