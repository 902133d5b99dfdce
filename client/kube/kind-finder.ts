import { isNotFound } from "../api-error.ts";
import { apiVersionOf } from "../resources.ts";
import type { RestClient } from "../rest.ts";
import type { KubeObject } from "../types.ts";
import { type Kind, kindProblems } from "./define-kind.ts";
import { kinds } from "./kinds.ts";
import { parseApiVersion } from "./manifest.ts";

/** The cluster serves no such kind. */
export class UnknownKindError extends Error {
  override readonly name = "UnknownKindError";
  readonly apiVersion: string;
  readonly kind: string;

  constructor(apiVersion: string, kind: string) {
    super(`the cluster serves no kind ${kind} of ${apiVersion}`);
    this.apiVersion = apiVersion;
    this.kind = kind;
  }
}

const builtIn: ReadonlyMap<string, Kind<unknown>> = new Map(
  Object.values(kinds).map((kind) => [nameOf(apiVersionOf(kind), kind.kind), kind]),
);

/** Where a manifest's object lives in the API: built-in kinds are known, others are asked of the server's discovery and
 *  remembered. A kind that is not found is asked for again each time, for it may have been defined since. */
export class KindFinder {
  readonly #rest: Pick<RestClient, "raw">;
  readonly #found = new Map<string, Kind<KubeObject>>();
  /** Questions under way, by apiVersion. */
  readonly #asked = new Map<string, Promise<void>>();

  constructor(rest: Pick<RestClient, "raw">) {
    this.#rest = rest;
  }

  /** Rejects with `UnknownKindError` where there is no such kind, and `TypeError` where the object names none. */
  async find(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): Promise<Kind<KubeObject>> {
    const { apiVersion, kind } = object;
    if (typeof apiVersion !== "string" || parseApiVersion(apiVersion) === undefined)
      throw new TypeError(`the object has no apiVersion such as apps/v1: ${JSON.stringify(apiVersion)}`);
    if (typeof kind !== "string" || kind === "") throw new TypeError("the object has no kind");
    const known = this.#known(apiVersion, kind);
    if (known !== undefined) return known;
    await this.#ask(apiVersion);
    const found = this.#known(apiVersion, kind);
    if (found === undefined) throw new UnknownKindError(apiVersion, kind);
    return found;
  }

  #known(apiVersion: string, kind: string): Kind<KubeObject> | undefined {
    const name = nameOf(apiVersion, kind);
    return (builtIn.get(name) as Kind<KubeObject> | undefined) ?? this.#found.get(name);
  }

  #ask(apiVersion: string): Promise<void> {
    const under = this.#asked.get(apiVersion);
    if (under !== undefined) return under;
    const asked = this.#read(apiVersion).finally(() => this.#asked.delete(apiVersion));
    this.#asked.set(apiVersion, asked);
    return asked;
  }

  async #read(apiVersion: string): Promise<void> {
    const { group, version } = parseApiVersion(apiVersion) ?? { group: "", version: "" };
    const at = [...(group === "" ? ["api"] : ["apis", group]), version].map(encodeURIComponent).join("/");
    let text: string;
    try {
      text = await this.#rest.raw("GET", `/${at}`);
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    for (const kind of kindsOf(text, group, version)) this.#found.set(nameOf(apiVersion, kind.kind), kind);
  }
}

function nameOf(apiVersion: string, kind: string): string {
  return `${apiVersion} ${kind}`;
}

/** The kinds of an APIResourceList. What is no sound kind is passed over, as are subresources. */
function kindsOf(text: string, group: string, version: string): readonly Kind<KubeObject>[] {
  const list = JSON.parse(text) as { readonly resources?: unknown };
  if (!Array.isArray(list.resources)) return [];
  const rows = list.resources.map((row: unknown) => (row ?? {}) as Readonly<Record<string, unknown>>);
  const names = new Set(rows.map(({ name }) => name));
  return rows.flatMap(({ kind, name, namespaced }) => {
    if (typeof kind !== "string" || typeof name !== "string" || typeof namespaced !== "boolean") return [];
    const found = { group, version, kind, plural: name, namespaced, hasStatus: names.has(`${name}/status`) };
    return kindProblems(found).length === 0 ? [found] : [];
  });
}
