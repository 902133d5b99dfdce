/** Schemas of kinds as the server's OpenAPI v3 document of a group version tells them. Pure. */

export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface SchemaDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

const hopsMost = 16;
const refPrefix = "#/components/schemas/";
const anything: Schema = {};

/** A schema and the document in which its references are looked up. */
export class SchemaNode {
  readonly schema: Schema;
  readonly #document: SchemaDocument;

  private constructor(document: SchemaDocument, schema: Schema) {
    this.#document = document;
    this.schema = resolved(document, schema);
  }

  /** Undefined: the document does not describe that kind. */
  static ofKind(
    document: SchemaDocument,
    { group, version, kind }: GroupVersionKind,
  ): SchemaNode | undefined {
    const found = Object.values(document.components?.schemas ?? {}).find((schema) =>
      schema["x-kubernetes-group-version-kind"]?.some(
        (one) => one.group === group && one.version === version && one.kind === kind,
      ),
    );
    return found && new SchemaNode(document, found);
  }

  /** Of a field; undefined where there is no such field. */
  field(name: string): SchemaNode | undefined {
    const { properties, additionalProperties } = this.schema;
    const own = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (own !== undefined) return this.#at(own);
    if (typeof additionalProperties === "object") return this.#at(additionalProperties);
    return this.isOpen ? this.#at(anything) : undefined;
  }

  item(): SchemaNode {
    return this.#at(this.schema.items ?? anything);
  }

  /** Of what stands at a path; undefined where a field on the way is not known. */
  at(path: readonly (string | number)[]): SchemaNode | undefined {
    let node: SchemaNode | undefined = this;
    for (const step of path) node = typeof step === "number" ? node?.item() : node?.field(step);
    return node;
  }

  /** Fields that are not listed may be there, too. */
  get isOpen(): boolean {
    const { schema } = this;
    if (schema["x-kubernetes-preserve-unknown-fields"] || schema["x-kubernetes-embedded-resource"])
      return true;
    if (schema.additionalProperties !== undefined && schema.additionalProperties !== false) return true;
    return schema.properties === undefined && schema.additionalProperties === undefined;
  }

  /** The fields by name, those that must be there first. */
  get fields(): readonly {
    readonly name: string;
    readonly node: SchemaNode;
    readonly isRequired: boolean;
  }[] {
    const { properties = {}, required = [] } = this.schema;
    return Object.entries(properties)
      .map(([name, schema]) => ({ name, node: this.#at(schema), isRequired: required.includes(name) }))
      .sort((a, b) => Number(b.isRequired) - Number(a.isRequired) || (a.name < b.name ? -1 : 1));
  }

  /** By which fields items of this list are told apart; undefined where the list is one value. */
  get mergeKeys(): readonly string[] | undefined {
    return this.schema["x-kubernetes-list-type"] === "map"
      ? this.schema["x-kubernetes-list-map-keys"]
      : undefined;
  }

  get isSet(): boolean {
    return this.schema["x-kubernetes-list-type"] === "set";
  }

  /** An object that changes as a whole. */
  get isAtomic(): boolean {
    return this.schema["x-kubernetes-map-type"] === "atomic";
  }

  /** `string`, `integer or string`, `array`; `""` for anything. */
  get typeText(): string {
    const { schema } = this;
    if (isIntOrString(schema)) return "integer or string";
    const either = schema.oneOf ?? schema.anyOf;
    if (schema.type === undefined && either !== undefined)
      return either.flatMap(({ type }) => type ?? []).join(" or ");
    return schema.type ?? (schema.properties ? "object" : "");
  }

  /** Whether a value has a type that the field takes. Says nothing of what is in it. */
  takes(value: unknown): boolean {
    const { schema } = this;
    if (value === null) return true;
    if (isIntOrString(schema)) return typeof value === "string" || Number.isInteger(value);
    const types = this.typeText.split(" or ").filter(Boolean);
    return types.length === 0 || types.some((type) => isOfType(value, type));
  }

  #at(schema: Schema): SchemaNode {
    return new SchemaNode(this.#document, schema);
  }
}

const isIntOrString = (schema: Schema): boolean =>
  schema["x-kubernetes-int-or-string"] === true || schema.format === "int-or-string";

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "array":
      return Array.isArray(value);
    case "integer":
      return typeof value === "bigint" || Number.isInteger(value);
    case "number":
      return typeof value === "number" || typeof value === "bigint";
    default:
      return typeof value === type;
  }
}

/** Follows references; what stands beside one (a description of the field, a default) stays. */
function resolved(document: SchemaDocument, schema: Schema): Schema {
  let found = schema;
  for (let hops = 0; hops < hopsMost; hops++) {
    const { $ref, allOf, ...own } = found;
    const [only, ...more] = allOf ?? [];
    const next =
      $ref !== undefined
        ? document.components?.schemas?.[decodeURIComponent($ref.slice(refPrefix.length))]
        : more.length === 0
          ? only
          : undefined;
    if (next === undefined) return found;
    found = { ...next, ...own };
  }
  return anything;
}
