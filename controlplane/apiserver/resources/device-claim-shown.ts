import type { ResourceClaimSpec, ResourceClaimTemplate } from "../../../client/types.ts";
import { isObject, type JsonObject } from "../json.ts";

/** Claims as Kubernetes shows them in refusals: by the names of its own types, in their order. Pure. */

/** A field with what stands for it where it is not set, and the fields in it. */
type Row = readonly [name: string, absent: unknown, rows?: readonly Row[]];

const wish: readonly Row[] = [
  ["deviceClassName", ""],
  ["selectors", null, [["cel", null, [["expression", ""]]]]],
  ["allocationMode", ""],
  ["count", 0],
];
const tolerations: Row = [
  "tolerations",
  null,
  [
    ["key", ""],
    ["operator", ""],
    ["value", ""],
    ["effect", ""],
    ["tolerationSeconds", null],
  ],
];
const capacity: Row = ["capacity", null, [["requests", null]]];
const spec: readonly Row[] = [
  [
    "devices",
    {},
    [
      [
        "requests",
        null,
        [
          ["name", ""],
          ["exactly", null, [...wish, ["adminAccess", null], tolerations, capacity]],
          ["firstAvailable", null, [["name", ""], ...wish, tolerations, capacity]],
        ],
      ],
      [
        "constraints",
        null,
        [
          ["requests", null],
          ["matchAttribute", null],
          ["distinctAttribute", null],
        ],
      ],
      [
        "config",
        null,
        [
          ["requests", null],
          [
            "opaque",
            null,
            [
              ["driver", ""],
              ["parameters", null],
            ],
          ],
        ],
      ],
    ],
  ],
];

export const shownClaimSpec = (value: ResourceClaimSpec): unknown => shown(value, spec);

export function shownTemplateSpec(value: ResourceClaimTemplate["spec"]): unknown {
  return { ...value.metadata, Spec: shown(value.spec, spec) };
}

function shown(value: object, rows: readonly Row[]): JsonObject {
  const fields = value as JsonObject;
  return Object.fromEntries(
    rows.map(([name, absent, inner]) => {
      const found = fields[name] ?? absent;
      const goName = name === "cel" ? "CEL" : `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
      if (inner === undefined) return [goName, found];
      if (Array.isArray(found)) return [goName, found.map((one) => shown(one, inner))];
      return [goName, isObject(found) ? shown(found, inner) : found];
    }),
  );
}
