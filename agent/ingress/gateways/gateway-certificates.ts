import type { CertificatePem } from "../../../client/rules/tls-secret.ts";
import { certificateIn } from "../../../client/rules/tls-secret.ts";
import type { Secret } from "../../../client/types.ts";
import type { FollowedKind } from "../../sync/followed-kind.ts";
import type { Change } from "../data-plane.ts";
import { splitKey } from "../ingress-control.ts";
import type { GatewayPlan } from "./gateway-plan.ts";

/** By which the secrets of Gateways are followed. */
export const secretsOwner = "gateways";

interface Claim {
  readonly entry: string;
  readonly host: string;
  readonly secret: string;
}

/** Shows listeners' hosts the certificates that their secrets have. */
export class GatewayCertificates {
  readonly #secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">;
  readonly #apply: (change: Change) => void;
  /** By entry and host. */
  #claims: ReadonlyMap<string, Claim> = new Map();
  readonly #shown = new Map<string, { readonly claim: Claim; readonly pem: CertificatePem }>();

  constructor(
    secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">,
    apply: (change: Change) => void,
  ) {
    this.#secrets = secrets;
    this.#apply = apply;
  }

  /** Whether all that are shown there were read, there or not. */
  areRead(at: string): boolean {
    return [...this.#claims.values()].every(
      ({ entry, secret }) => entry !== at || this.#secrets.peek(...splitKey(secret)).isRead,
    );
  }

  set(certificates: GatewayPlan["certificates"]): void {
    this.#claims = new Map(certificates.map((claim) => [keyOf(claim), claim]));
    for (const { secret } of certificates) this.#secrets.add(secretsOwner, ...splitKey(secret));
    this.#secrets.forget(secretsOwner, new Set(certificates.map(({ secret }) => secret)));
    this.tell();
  }

  /** Tells which are others than before. */
  tell(): void {
    for (const [key, claim] of this.#claims) {
      const [namespace, name] = splitKey(claim.secret);
      const { isRead, object } = this.#secrets.peek(namespace, name);
      const before = this.#shown.get(key);
      // One that is being read again keeps its place.
      if (!isRead && before?.claim.secret === claim.secret) continue;
      const found = isRead ? certificateIn(object, name) : undefined;
      this.#show(key, claim, found !== undefined && "pem" in found ? found.pem : undefined);
    }
    for (const [key, { claim }] of this.#shown) if (!this.#claims.has(key)) this.#show(key, claim, undefined);
  }

  #show(key: string, claim: Claim, pem: CertificatePem | undefined): void {
    const before = this.#shown.get(key)?.pem;
    if (pem === undefined) this.#shown.delete(key);
    else this.#shown.set(key, { claim, pem });
    if (pem?.certificatePem === before?.certificatePem && pem?.keyPem === before?.keyPem) return;
    const { entry, host } = claim;
    this.#apply({ kind: "certificate", entry, host, pem });
  }
}

const keyOf = ({ entry, host }: Claim) => `${entry} ${host}`;
