import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { classOf, isOwnClass } from "../../client/rules/ingress-class.ts";
import type { CertificatePem } from "../../client/rules/tls-secret.ts";
import { certificateIn } from "../../client/rules/tls-secret.ts";
import type { Ingress, IngressClass, Secret } from "../../client/types.ts";
import type { FollowedKind } from "../sync/followed-kind.ts";
import type { BackendEndpoints } from "./backend-endpoints.ts";
import { CertificateClaims, misfit } from "./certificate-claims.ts";
import type { Change } from "./data-plane.ts";
import { backendKey, type IngressPlan, planIngress } from "./ingress-routes.ts";

const classIndex = "ingress-class";

export interface IngressControlParts {
  readonly ingresses: Informer<Ingress>;
  readonly classes: Informer<IngressClass>;
  readonly backends: Pick<BackendEndpoints, "use" | "leave" | "problemOf">;
  readonly secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">;
  readonly nowMs: () => number;
  /** Tells whoever serves. */
  readonly apply: (change: Change) => void;
  /** Something is to be carried out. */
  readonly wake: () => void;
  /** What is to be said about an Ingress; called when that changes. */
  readonly report: (ingress: Ingress, problems: readonly string[]) => void;
}

interface Known {
  readonly plan: IngressPlan;
  readonly ingress: Ingress;
}

/** Follows Ingresses and their certificates, and tells whoever serves what changed. A change costs the Ingresses it is about. */
export class IngressControl {
  readonly #parts: IngressControlParts;
  readonly #known = new Map<string, Known>();
  readonly #claims = new CertificateClaims();
  readonly #shown = new Map<string, CertificatePem>();
  readonly #dirtyIngresses = new Set<string>();
  readonly #dirtyOwners = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(parts: IngressControlParts) {
    this.#parts = parts;
  }

  /** From now on; nothing is told before `carryOut`. */
  follow(): void {
    const { ingresses, classes } = this.#parts;
    ingresses.addIndex(classIndex, (ingress) => [classOf(ingress) ?? ""]);
    const touch = (one: Ingress) => {
      this.#dirtyIngresses.add(keyOf(one));
      this.#parts.wake();
    };
    const touchClass = ({ metadata }: IngressClass) => {
      for (const ingress of ingresses.byIndex(classIndex, metadata.name))
        this.#dirtyIngresses.add(keyOf(ingress));
      this.#parts.wake();
    };
    this.#unsubscribe.push(
      ingresses.subscribe({ onAdd: touch, onUpdate: touch, onDelete: touch }),
      classes.subscribe({ onAdd: touchClass, onUpdate: touchClass, onDelete: touchClass }),
    );
  }

  stop(): void {
    for (const off of this.#unsubscribe) off();
  }

  /** A secret that this Ingress refers to was read, changed or went. */
  secretChanged(owner: string): void {
    this.#dirtyOwners.add(owner);
    this.#parts.wake();
  }

  /** Whether nothing is waited for that clients would miss: certificates that are being read. */
  get isComplete(): boolean {
    for (const owner of this.#known.keys())
      for (const { secret } of this.#claims.of(owner)) if (!this.#peek(secret).isRead) return false;
    return true;
  }

  /** Tells all that changed since the last time. @param ofBackends Whose backends have something else to say. */
  carryOut(ofBackends: Iterable<string>): void {
    const touched = new Set<string>([...this.#dirtyOwners, ...ofBackends]);
    for (const key of drained(this.#dirtyIngresses)) {
      this.#planAgain(key);
      touched.add(key);
    }
    const hosts = new Set<string>();
    for (const owner of drained(this.#dirtyOwners))
      for (const { host } of this.#claims.of(owner)) hosts.add(host);
    for (const host of hosts) this.#tellCertificate(host);
    for (const key of touched) {
      const known = this.#known.get(key);
      if (known !== undefined) this.#parts.report(known.ingress, this.#problemsOf(key, known));
    }
  }

  #planAgain(key: string): void {
    const { ingresses, classes, apply, secrets, backends } = this.#parts;
    const found = ingresses.getByKey(key);
    const ownClass = found && classes.getByKey(classOf(found) ?? "");
    const ingress = found !== undefined && ownClass !== undefined && isOwnClass(ownClass) ? found : undefined;
    const before = this.#known.get(key)?.plan;
    if (ingress === undefined && before === undefined) return;
    const plan = ingress && planIngress(ingress);
    const gone = this.#known.get(key);
    if (gone !== undefined && gone.ingress.metadata.uid !== ingress?.metadata.uid)
      this.#parts.report(gone.ingress, []);
    if (ingress === undefined || plan === undefined) this.#known.delete(key);
    else this.#known.set(key, { plan, ingress });
    // Endpoints come before the routes that lead to them, and go after those.
    for (const ref of plan?.backends ?? []) backends.use(key, ref);
    apply({ kind: "routes", owner: key, hosts: plan?.hosts ?? [] });
    const kept = new Set(plan?.backends.map(backendKey));
    for (const ref of before?.backends ?? []) if (!kept.has(backendKey(ref))) backends.leave(key, ref);
    const rank = `${ingress?.metadata.creationTimestamp ?? ""} ${key}`;
    const claims = (plan?.certificates ?? []).map((one) => ({ ...one, owner: key, rank }));
    for (const { secret } of claims) secrets.add(key, ...splitKey(secret));
    secrets.forget(key, new Set(claims.map(({ secret }) => secret)));
    for (const host of this.#claims.set(key, claims)) this.#tellCertificate(host);
  }

  #tellCertificate(host: string): void {
    const { apply } = this.#parts;
    let pem: CertificatePem | undefined;
    for (const { secret } of this.#claims.for(host)) {
      const { isRead, object } = this.#peek(secret);
      // One that is being read again keeps its place.
      if (!isRead && this.#shown.has(host)) return;
      const found = certificateIn(object, splitKey(secret)[1]);
      if (!("pem" in found)) continue;
      pem = found.pem;
      break;
    }
    const before = this.#shown.get(host);
    if (pem?.certificatePem === before?.certificatePem && pem?.keyPem === before?.keyPem) return;
    if (pem === undefined) this.#shown.delete(host);
    else this.#shown.set(host, pem);
    apply({ kind: "certificate", host, pem });
  }

  #peek(secret: string): ReturnType<IngressControlParts["secrets"]["peek"]> {
    return this.#parts.secrets.peek(...splitKey(secret));
  }

  #problemsOf(key: string, { plan }: Known): readonly string[] {
    const ofBackends = plan.backends.flatMap((ref) => this.#parts.backends.problemOf(ref) ?? []);
    const ofCertificates = this.#claims.of(key).flatMap(({ host, secret }) => {
      const { isRead, object } = this.#peek(secret);
      if (!isRead) return [];
      const name = splitKey(secret)[1];
      const found = certificateIn(object, name);
      if ("problem" in found) return [found.problem];
      const why = misfit(found.pem, host, this.#parts.nowMs());
      return why === undefined ? [] : [`secret "${name}": its certificate ${why}`];
    });
    return [...new Set([...plan.problems, ...ofBackends, ...ofCertificates])];
  }
}

export function splitKey(key: string): readonly [namespace: string, name: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function drained(set: Set<string>): readonly string[] {
  const all = [...set];
  set.clear();
  return all;
}
