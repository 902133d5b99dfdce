import { apiVersionOf } from "../../../client/resources.ts";
import type { ServedResource } from "../discovery.ts";

/** The kinds the server serves, found by what references and objects say of themselves. */
export class ServedKinds {
  readonly #byKind = new Map<string, ServedResource>();

  /** Takes over what discovery found. Kinds that vanish are forgotten. */
  replace(resources: readonly ServedResource[]): void {
    this.#byKind.clear();
    for (const resource of resources)
      this.#byKind.set(groupKind(apiVersionOf(resource), resource.kind), resource);
  }

  /** Any version of the group will do. */
  find(apiVersion: string, kind: string): ServedResource | undefined {
    return this.#byKind.get(groupKind(apiVersion, kind));
  }

  /** Those whose objects can be watched and deleted. Events own nothing, are owned by nothing, and are many. */
  collectable(): readonly ServedResource[] {
    return [...this.#byKind.values()].filter(
      ({ verbs, plural, group }) =>
        ["delete", "list", "watch"].every((verb) => verbs.includes(verb)) &&
        !(plural === "events" && (group === "" || group === "events.k8s.io")),
    );
  }
}

function groupKind(apiVersion: string, kind: string): string {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return `${group}/${kind}`;
}
