import { certificateSecrets, classOf } from "../../../client/rules/ingress-class.ts";
import type { Ingress, KubeObject } from "../../../client/types.ts";
import type { KindIndex } from "../cache/kind-index.ts";
import type { Named } from "./volume-secrets.ts";

/** Follows the cache of Ingresses: of which classes those are that have a certificate from a secret.
 *  Size: an entry for each certificate of each Ingress. A change costs the certificates of one. */
export class IngressSecrets implements KindIndex {
  /** Secret -> class -> how many Ingresses of it name the secret. */
  #bySecret = new Map<string, Map<string, number>>();

  classesOf(secret: Named): Iterable<string> {
    return this.#bySecret.get(keyOf(secret))?.keys() ?? [];
  }

  clear(): void {
    this.#bySecret = new Map();
  }

  changed(previous: KubeObject | undefined, next: KubeObject | undefined): void {
    if (next !== undefined) this.#count(next as Ingress, 1);
    if (previous !== undefined) this.#count(previous as Ingress, -1);
  }

  #count(ingress: Ingress, by: 1 | -1): void {
    const ofClass = classOf(ingress);
    if (ofClass === undefined) return;
    const { namespace = "" } = ingress.metadata;
    for (const name of new Set(certificateSecrets(ingress))) {
      const key = keyOf({ namespace, name });
      const counts = this.#bySecret.get(key) ?? new Map<string, number>();
      this.#bySecret.set(key, counts);
      const count = (counts.get(ofClass) ?? 0) + by;
      if (count > 0) counts.set(ofClass, count);
      else counts.delete(ofClass);
      if (counts.size === 0) this.#bySecret.delete(key);
    }
  }
}

const keyOf = ({ namespace, name }: Named) => `${namespace}/${name}`;
