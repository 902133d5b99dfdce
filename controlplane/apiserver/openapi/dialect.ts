/** What OpenAPI v2 and v3 write differently. */
export interface Dialect {
  refTo(name: string): Reference;
  /** The reference where texts and extensions stand beside it: in v3 those beside a plain one would be ignored. */
  beside(reference: Reference): object;
  /** Only v3 tells defaults of built-in kinds. */
  defaultOf(value: unknown): object;
  /** Definitions that differ, by name. */
  readonly own: Readonly<Record<string, object>>;
}

export interface Reference {
  readonly $ref: string;
}

const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const intOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
const version = "io.k8s.apimachinery.pkg.version.Info";
const quantityText = "Quantity is a number with an optional suffix such as m, k, M, Ki, Mi: 100m, 1.5Gi.";
const intOrStringText = "IntOrString is a number or a string.";

export const v2: Dialect = {
  refTo: (name) => ({ $ref: `#/definitions/${name}` }),
  beside: (reference) => reference,
  defaultOf: () => ({}),
  own: {
    [quantity]: { description: quantityText, type: "string" },
    [intOrString]: { description: intOrStringText, type: "string", format: "int-or-string" },
    [version]: versionInfo({}),
  },
};

export const v3: Dialect = {
  refTo: (name) => ({ $ref: `#/components/schemas/${name}` }),
  beside: (reference) => ({ allOf: [reference] }),
  defaultOf: (value) => ({ default: value }),
  own: {
    [quantity]: { description: quantityText, oneOf: [{ type: "string" }, { type: "number" }] },
    [intOrString]: {
      description: intOrStringText,
      format: "int-or-string",
      oneOf: [{ type: "integer" }, { type: "string" }],
    },
    [version]: versionInfo({ default: "" }),
  },
};

/** What GET /version answers. */
function versionInfo(always: object): object {
  const optional = {
    emulationMajor: "The major version that the server behaves as.",
    emulationMinor: "The minor version that the server behaves as.",
    minCompatibilityMajor: "The oldest major version of other parts with which the server works.",
    minCompatibilityMinor: "The oldest minor version of other parts with which the server works.",
  };
  const required = {
    major: "The major version of the server's program.",
    minor: "The minor version of the server's program.",
    gitVersion: "",
    gitCommit: "",
    gitTreeState: "",
    buildDate: "",
    goVersion: "",
    compiler: "",
    platform: "",
  };
  const told = (texts: object, rest: object) =>
    Object.entries(texts).map(([name, description]) => [
      name,
      { ...(description !== "" && { description }), type: "string", ...rest },
    ]);
  return {
    description: "Info is which version of Kubernetes' API the server is of, and how it was built.",
    type: "object",
    required: Object.keys(required),
    properties: Object.fromEntries([...told(required, always), ...told(optional, {})]),
  };
}
