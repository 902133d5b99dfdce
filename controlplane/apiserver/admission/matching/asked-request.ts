import type { KubeObject } from "../../../../client/types.ts";
import type { User } from "../../filters/authentication.ts";
import { isObject, type JsonObject, objectOf } from "../../json.ts";
import type { Kind } from "../../registry/kind.ts";
import { apiVersionOf, type ServedKind, servedForms } from "../../registry/kind-table.ts";
import { knowing } from "../../registry/slow-conversion.ts";
import type { ObjectSchema } from "../../schemas.ts";
import {
  type Attributes,
  admittedName,
  admittedNamespace,
  type Connection,
  type ObjectType,
} from "../admission.ts";

/** A request as webhooks and policies see it: what is asked for, by whom, in which groups and versions it could have been. */
export interface AskedRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly user: User;
  readonly name: string;
  /** A Namespace is in itself; empty for what is in none. */
  readonly namespace: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  readonly options: JsonObject | undefined;
  /** The group and version that the client speaks. */
  readonly form: RequestForm;
  /** Others that serve the same objects. */
  readonly equivalents: readonly RequestForm[];
  readonly object: KubeObject | JsonObject | undefined;
  readonly old: KubeObject | undefined;
}

export interface RequestForm {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** What the object is there. */
  readonly type: ObjectType;
  /** The object as it is shown there; absent: as it is. */
  readonly convert: ServedKind["convert"];
  /** Present where others are asked to convert: see `preparedForm`. */
  readonly slow: ServedKind["slow"];
  /** Absent: as the built-in schema says of the type. */
  readonly schema: ObjectSchema | undefined;
}

const operations = { create: "CREATE", update: "UPDATE", delete: "DELETE" } as const;

export function askedRequest(attributes: Attributes): AskedRequest {
  const { by, operation, object, old, dryRun, kind, type } = attributes;
  return {
    operation: operations[operation],
    user: by.user,
    name: admittedName(attributes),
    namespace: admittedNamespace(attributes),
    subresource: by.subresource,
    dryRun,
    options: by.options(operation),
    ...formsOf(kind, by.served, isBareBinding(attributes) ? { ...type, plural: "bindings" } : type),
    object,
    old,
  };
}

export function askedConnection({ kind, by, namespace, options }: Connection): AskedRequest {
  const [version = "", group = ""] = String(options.apiVersion).split("/").reverse();
  return {
    operation: "CONNECT",
    user: by.user,
    name: by.name,
    namespace,
    subresource: by.subresource,
    dryRun: false,
    options: undefined,
    ...formsOf(kind, by.served, { group, version, kind: String(options.kind) }),
    object: options,
    old: undefined,
  };
}

/** A Binding that is posted to the collection of bindings, not to a pod. */
function isBareBinding({ by, type }: Attributes): boolean {
  return by.subresource === "" && type?.kind === "Binding";
}

function formsOf(
  kind: Kind,
  served: ServedKind | undefined,
  type: (Partial<ObjectType> & { readonly plural?: string }) | undefined,
): Pick<AskedRequest, "form" | "equivalents"> {
  const all = servedForms(kind);
  const asked = served ?? all[0];
  const form = (one: ServedKind): RequestForm => ({
    group: one.group,
    version: one.version,
    plural: type?.plural ?? one.plural,
    type: {
      group: type?.group ?? one.group,
      version: type?.version ?? one.version,
      kind: type?.kind ?? kind.kind,
    },
    convert: type === undefined ? one.convert : undefined,
    slow: type === undefined ? one.slow : undefined,
    schema: type === undefined ? one.schema : undefined,
  });
  if (asked === undefined) throw new Error(`nothing serves ${kind.plural}`);
  const others = all.filter(({ group, version }) => group !== asked.group || version !== asked.version);
  return { form: form(asked), equivalents: type?.plural === undefined ? others.map(form) : [] };
}

/** The form, able to show the objects of the request as they are now. To be asked before `objectIn`. */
export function preparedForm(form: RequestForm, { object, old }: AskedRequest): Promise<RequestForm> {
  return knowing(form, [object, old].filter((one) => one !== undefined) as KubeObject[]);
}

/** An object of the request in the group and version of a form, as the API would show it, before and after what only the
 *  server says is filled in. */
export function objectIn(
  { type, convert }: RequestForm,
  object: KubeObject | JsonObject | undefined,
): JsonObject | undefined {
  if (object === undefined) return undefined;
  const shown = convert === undefined ? { ...object } : convert.toServed(object as KubeObject);
  const bare: JsonObject = { kind: type.kind, apiVersion: apiVersionOf(type.group, type.version), ...shown };
  if (!isObject(shown.metadata)) return bare;
  return { ...bare, metadata: withoutEmpty(shown.metadata) };
}

function withoutEmpty(metadata: object): JsonObject {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => value !== "" && value !== undefined),
  );
}

/** What a review, and the variable `request` of an expression, say of the request beside the objects. */
export function describedRequest(asked: AskedRequest, form: RequestForm): JsonObject {
  const { name, namespace, subresource, user } = asked;
  const resource = ({ group, version, plural }: RequestForm) => ({ group, version, resource: plural });
  return {
    kind: kindOf(form.type),
    resource: resource(form),
    ...(subresource !== "" && { subResource: subresource }),
    requestKind: kindOf(asked.form.type),
    requestResource: resource(asked.form),
    ...(subresource !== "" && { requestSubResource: subresource }),
    ...(name !== "" && { name }),
    ...(namespace !== "" && { namespace }),
    operation: asked.operation,
    userInfo: {
      username: user.name,
      ...(user.uid !== undefined && { uid: user.uid }),
      groups: user.groups,
      ...(user.extra && { extra: user.extra }),
    },
    dryRun: asked.dryRun,
    options: asked.options ?? null,
  };
}

const kindOf = ({ group, version, kind }: ObjectType) => ({ group, version, kind });

export function labelsOf(object: unknown): Readonly<Record<string, string>> {
  return objectOf(objectOf(objectOf(object).metadata).labels) as Record<string, string>;
}
