import { KindFinder } from "../client/kube/kind-finder.ts";
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
  readonly #kinds = new KindFinder(this);

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

  /** What the API calls objects of this type. Rejects with UnknownKindError where it serves none such. */
  kindOf(object: Pick<Manifest, "apiVersion" | "kind">): Promise<Resource<KubeObject>> {
    return this.#kinds.find(object);
  }
}
