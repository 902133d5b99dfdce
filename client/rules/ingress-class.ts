import type { Ingress, IngressClass, Node } from "../types.ts";

/** Which Ingresses the nodes answer for, and how they say that they do. API server, controllers and agents decide alike. Pure. */

/** The controller of a class whose Ingresses are the nodes' to answer for. */
export const ingressController = "pintle.dev/ingress";
/** Of the class that `pintle up` makes. */
export const ingressClassName = "pintle";

const classAnnotation = "kubernetes.io/ingress.class";

/** The class that an Ingress names, as its field or by the annotation that was there before it. */
export const classOf = ({ spec, metadata }: Pick<Ingress, "spec" | "metadata">): string | undefined =>
  spec.ingressClassName ?? metadata.annotations?.[classAnnotation];

export const isOwnClass = ({ spec }: Pick<IngressClass, "spec">): boolean =>
  spec?.controller === ingressController;

/** Secrets of its namespace that an Ingress has certificates from. */
export const certificateSecrets = ({ spec }: Pick<Ingress, "spec">): readonly string[] =>
  (spec.tls ?? []).flatMap(({ secretName }) => (secretName ? [secretName] : []));

/** A node with this label answers for no Ingress and reads none of their certificates. Its agent cannot take it off. */
export const noIngressLabel = "pintle.dev.node-restriction.kubernetes.io/no-ingress";

export const answersIngresses = ({ metadata }: Pick<Node, "metadata">): boolean =>
  metadata.labels?.[noIngressLabel] === undefined;

/** Where a node answers for Ingresses, said by its agent while it does. */
const addressAnnotation = "pintle.dev/ingress-address";
const portsAnnotation = "pintle.dev/ingress-ports";

export interface IngressFront {
  /** One of each family that it answers by. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
}

export function frontAnnotations(front: IngressFront | undefined): Readonly<Record<string, string | null>> {
  return {
    [addressAnnotation]: front?.addresses.join(",") ?? null,
    [portsAnnotation]: front?.ports.join(",") ?? null,
  };
}

export function frontOf({ metadata }: Pick<Node, "metadata">): IngressFront | undefined {
  const { [addressAnnotation]: address = "", [portsAnnotation]: ports = "" } = metadata.annotations ?? {};
  const numbers = ports.split(",").filter((one) => /^\d{1,5}$/.test(one));
  return address === "" ? undefined : { addresses: address.split(","), ports: numbers.map(Number) };
}
