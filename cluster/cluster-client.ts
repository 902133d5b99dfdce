import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import type { Draft, KubeObject, Resource } from "../client/types.ts";

/** A manifest: at least its type and its name. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
}

/** The client of a cluster: all of `RestClient`, and manifests applied as they are. */
export class ClusterClient extends RestClient {
  readonly #kinds = new Map<string, Resource<KubeObject>>();

  /** Server-side apply of a manifest, with force: what the test says holds. In namespace `default` unless it names another.
   *  Resolves with the object as it is then. */
  async apply<T extends Manifest>(
    manifest: T,
    { fieldManager = "test" }: { readonly fieldManager?: string } = {},
  ): Promise<KubeObject & T> {
    const resource = await this.kindOf(manifest);
    const { name = "" } = manifest.metadata;
    const namespace = resource.namespaced ? (manifest.metadata.namespace ?? "default") : undefined;
    const body = { ...manifest, metadata: { ...manifest.metadata, ...(namespace && { namespace }) } };
    const applied = await this.patch(resource, { name, namespace }, body as unknown as Draft<KubeObject>, {
      type: "apply",
      fieldManager,
      force: true,
    });
    return applied as KubeObject & T;
  }

  /** What the API calls objects of this type. Rejects where it serves none such. */
  async kindOf({ apiVersion, kind }: Pick<Manifest, "apiVersion" | "kind">): Promise<Resource<KubeObject>> {
    const key = `${apiVersion}/${kind}`;
    const slash = apiVersion.indexOf("/");
    const group = slash < 0 ? "" : apiVersion.slice(0, slash);
    const version = apiVersion.slice(slash + 1);
    const known =
      this.#kinds.get(key) ??
      (Object.values(resources) as unknown as Resource<KubeObject>[]).find(
        (one) => one.kind === kind && one.group === group && one.version === version,
      );
    if (known !== undefined) return known;
    const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = JSON.parse(await this.raw("GET", path)) as {
      readonly resources: readonly {
        readonly name: string;
        readonly kind: string;
        readonly namespaced: boolean;
      }[];
    };
    const found = list.resources.find((one) => one.kind === kind && !one.name.includes("/"));
    if (found === undefined) throw new TypeError(`the API serves no ${kind} in ${apiVersion}`);
    const resource = { group, version, kind, plural: found.name, namespaced: found.namespaced };
    this.#kinds.set(key, resource);
    return resource;
  }
}
