import { pathSegment } from "../../../client/rules/names.ts";
import type { ComponentStatus } from "../../../client/types.ts";
import { column } from "./cell-text.ts";
import { kindOf } from "./typed-kind.ts";

const words: Readonly<Record<string, string>> = { True: "Healthy", False: "Unhealthy", Unknown: "Unhealthy" };

/** How the parts of the control plane are, for clients of old: made up for each answer (`handlers/component-statuses.ts`). */
export const componentStatuses = kindOf<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  singular: "componentstatus",
  shortNames: ["cs"],
  categories: [],
  namespaced: false,
  verbs: ["get", "list"],
  isReported: true,
  deprecation: "v1 ComponentStatus is deprecated in v1.19+",
  subresources: {},
  nameRule: pathSegment,
  hasSpec: false,
  applyDefaults: () => undefined,
  validate: () => [],
  columns: [column("Status"), column("Message"), column("Error")],
  cells({ conditions = [] }) {
    const { status = "", message = "", error = "" } = conditions.find(({ type }) => type === "Healthy") ?? {};
    return [words[status] ?? "Unknown", message, error];
  },
});
