import { canonicalAddress } from "./domain-name.ts";
import { reverseNames, type ServiceNames } from "./service-names.ts";

/** What questions are answered from. */
export interface Zone {
  service(namespace: string, name: string): ServiceNames | undefined;
  /** Whether any Service is in it. */
  hasNamespace(namespace: string): boolean;
  /** Names below `svc.<domain>` that an address leads back to, without it: `web.ns` or `pod.web.ns`. */
  namesAt(address: string): readonly string[];
}

/** The cluster's Services by name and by address, kept one Service at a time. */
export class ServiceZone implements Zone {
  readonly #services = new Map<string, ServiceNames>();
  readonly #inNamespace = new Map<string, number>();
  readonly #reverse = new Map<string, Map<string, readonly string[]>>();

  service(namespace: string, name: string): ServiceNames | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  hasNamespace(namespace: string): boolean {
    return this.#inNamespace.has(namespace);
  }

  namesAt(address: string): readonly string[] {
    const found = this.#reverse.get(canonicalAddress(address) ?? "");
    const names = found === undefined ? [] : [...found.values()].flat();
    // Whoever writes slices may name any address; a Service's own is not theirs to name.
    const ofServices = names.filter((name) => name.split(".").length === 2);
    return ofServices.length > 0 ? ofServices : names;
  }

  /** Replaces what is known of a Service; undefined: it is gone. */
  set(namespace: string, name: string, names: ServiceNames | undefined): void {
    const key = `${namespace}/${name}`;
    const before = this.#services.get(key);
    if (before !== undefined) {
      for (const [address] of reverseNames(before)) this.#unlink(address, key);
      this.#services.delete(key);
    }
    const count =
      (this.#inNamespace.get(namespace) ?? 0) + Number(names !== undefined) - Number(before !== undefined);
    if (count > 0) this.#inNamespace.set(namespace, count);
    else this.#inNamespace.delete(namespace);
    if (names === undefined) return;
    this.#services.set(key, names);
    for (const [address, labels] of reverseNames(names))
      this.#link(address, key, [...labels, name, namespace].join("."));
  }

  #link(address: string, key: string, name: string): void {
    const canonical = canonicalAddress(address) ?? "";
    const at = this.#reverse.get(canonical) ?? new Map<string, readonly string[]>();
    this.#reverse.set(canonical, at);
    at.set(key, [...new Set([...(at.get(key) ?? []), name])]);
  }

  #unlink(address: string, key: string): void {
    const canonical = canonicalAddress(address) ?? "";
    const at = this.#reverse.get(canonical);
    at?.delete(key);
    if (at?.size === 0) this.#reverse.delete(canonical);
  }
}
