import type { CallOptions, PatchOptions, WriteOptions } from "../api.ts";
import type { AnyClient } from "../leader-only.ts";
import { objectPath } from "../paths.ts";
import type { KubeObject, Ref } from "../types.ts";
import type { Kind } from "./define-kind.ts";

/** Of several parts none leads back, out of the object. */
const nameForm = /^[a-z]+(\/(?!\.\.?(\/|$))[a-zA-Z0-9._-]+)*$/;

/** What an object has beside itself under its own path. */
export class Subresource<S = KubeObject> {
  readonly #rest: Pick<AnyClient, "createSubresource" | "patch" | "raw">;
  readonly #kind: Kind<unknown>;
  readonly #ref: Ref;
  readonly #name: string;

  constructor(rest: AnyClient, kind: Kind<unknown>, ref: Ref, name: string) {
    if (!nameForm.test(name)) throw new TypeError(`${JSON.stringify(name)} is no subresource's name`);
    this.#rest = rest;
    this.#kind = kind;
    this.#ref = ref;
    this.#name = name;
  }

  async get(options: CallOptions = {}): Promise<S> {
    return JSON.parse(await this.#rest.raw("GET", this.#path(), undefined, options)) as S;
  }

  /** POST: `eviction`, `binding`, `token`. */
  async create(body: object, options: CallOptions = {}): Promise<S> {
    return (await this.#rest.createSubresource(this.#kind, this.#ref, this.#name, body, options)) as S;
  }

  /** PUT: `scale`, `approval`. */
  async replace(body: object, options: CallOptions = {}): Promise<S> {
    return JSON.parse(await this.#rest.raw("PUT", this.#path(), body, options)) as S;
  }

  patch(body: unknown, options: PatchOptions & WriteOptions): Promise<S> {
    const kind = this.#kind as Kind<S>;
    return this.#rest.patch(kind, this.#ref, body, { ...options, subresource: this.#name });
  }

  #path(): string {
    return objectPath(this.#kind, this.#ref, this.#name);
  }
}
