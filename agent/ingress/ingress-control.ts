import type { Informer } from "../../client/informer.ts";
import { keyOf } from "../../client/object-cache.ts";
import { classOf, isOwnClass } from "../../client/rules/ingress-class.ts";
import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from "../../client/types.ts";
import type { NodeView } from "../network/service-endpoints.ts";
import type { FollowedKind } from "../sync/followed-kind.ts";
import { backendView } from "./backends.ts";
import { CertificateClaims, certificateIn, misfit } from "./certificate-claims.ts";
import type { CertificatePem } from "./certificates.ts";
import type { Change } from "./data-plane.ts";
import { type BackendRef, backendKey, type IngressPlan, planIngress } from "./ingress-routes.ts";

const sliceIndex = "ingress-service";
const classIndex = "ingress-class";
const serviceLabel = "kubernetes.io/service-name";

export interface IngressControlParts {
  readonly ingresses: Informer<Ingress>;
  readonly classes: Informer<IngressClass>;
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">;
  readonly view: () => NodeView;
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

interface KnownBackend {
  readonly ref: BackendRef;
  readonly owners: Set<string>;
  said: string;
  problem: string | undefined;
}

/** Follows Ingresses and what they refer to, and tells whoever serves what changed. A change costs the Ingresses and Services it
 *  is about. */
export class IngressControl {
  readonly #parts: IngressControlParts;
  readonly #known = new Map<string, Known>();
  readonly #backends = new Map<string, KnownBackend>();
  /** `namespace/name` of a Service -> its ports that routes lead to. */
  readonly #ofService = new Map<string, Set<string>>();
  readonly #claims = new CertificateClaims();
  readonly #shown = new Map<string, CertificatePem>();
  readonly #dirtyIngresses = new Set<string>();
  readonly #dirtyServices = new Set<string>();
  readonly #dirtyOwners = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];

  constructor(parts: IngressControlParts) {
    this.#parts = parts;
  }

  /** From now on; nothing is told before `carryOut`. */
  follow(): void {
    const { ingresses, classes, services, slices } = this.#parts;
    ingresses.addIndex(classIndex, (ingress) => [classOf(ingress) ?? ""]);
    slices.addIndex(sliceIndex, (slice) => [serviceOf(slice)]);
    const touch = <T>(set: Set<string>, keyOfOne: (one: T) => string) => {
      const onAny = (one: T) => {
        set.add(keyOfOne(one));
        this.#parts.wake();
      };
      return {
        onAdd: onAny,
        onDelete: onAny,
        onUpdate: (next: T, previous: T) => {
          onAny(next);
          onAny(previous);
        },
      };
    };
    const touchClass = ({ metadata }: IngressClass) => {
      for (const ingress of ingresses.byIndex(classIndex, metadata.name))
        this.#dirtyIngresses.add(keyOf(ingress));
      this.#parts.wake();
    };
    this.#unsubscribe.push(
      ingresses.subscribe(touch(this.#dirtyIngresses, keyOf)),
      services.subscribe(touch(this.#dirtyServices, keyOf)),
      slices.subscribe(touch(this.#dirtyServices, serviceOf)),
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

  /** The node moved to another zone: other endpoints are near. */
  viewChanged(): void {
    for (const service of this.#ofService.keys()) this.#dirtyServices.add(service);
    this.#parts.wake();
  }

  /** Whether nothing is waited for that clients would miss: certificates that are being read. */
  get isComplete(): boolean {
    for (const owner of this.#known.keys())
      for (const { secret } of this.#claims.of(owner)) if (!this.#peek(secret).isRead) return false;
    return true;
  }

  /** Tells all that changed since the last time. */
  carryOut(): void {
    const touched = new Set<string>(this.#dirtyOwners);
    for (const key of drained(this.#dirtyIngresses)) {
      this.#planAgain(key);
      touched.add(key);
    }
    for (const service of drained(this.#dirtyServices))
      for (const key of this.#ofService.get(service) ?? [])
        if (this.#tellEndpoints(key))
          for (const owner of this.#backends.get(key)?.owners ?? []) touched.add(owner);
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
    const { ingresses, classes, apply, secrets } = this.#parts;
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
    for (const ref of plan?.backends ?? []) this.#useBackend(key, ref);
    apply({ kind: "routes", owner: key, hosts: plan?.hosts ?? [] });
    const kept = new Set(plan?.backends.map(backendKey));
    for (const ref of before?.backends ?? []) if (!kept.has(backendKey(ref))) this.#leaveBackend(key, ref);
    const rank = `${ingress?.metadata.creationTimestamp ?? ""} ${key}`;
    const claims = (plan?.certificates ?? []).map((one) => ({ ...one, owner: key, rank }));
    for (const { secret } of claims) secrets.add(key, ...splitKey(secret));
    secrets.forget(key, new Set(claims.map(({ secret }) => secret)));
    for (const host of this.#claims.set(key, claims)) this.#tellCertificate(host);
  }

  #useBackend(owner: string, ref: BackendRef): void {
    const key = backendKey(ref);
    const known = this.#backends.get(key);
    if (known !== undefined) {
      known.owners.add(owner);
      return;
    }
    this.#backends.set(key, { ref, owners: new Set([owner]), said: "", problem: undefined });
    const service = `${ref.namespace}/${ref.service}`;
    this.#ofService.set(service, (this.#ofService.get(service) ?? new Set()).add(key));
    this.#tellEndpoints(key);
  }

  #leaveBackend(owner: string, ref: BackendRef): void {
    const key = backendKey(ref);
    const known = this.#backends.get(key);
    known?.owners.delete(owner);
    if (known === undefined || known.owners.size > 0) return;
    this.#backends.delete(key);
    const service = `${ref.namespace}/${ref.service}`;
    this.#ofService.get(service)?.delete(key);
    if (this.#ofService.get(service)?.size === 0) this.#ofService.delete(service);
    this.#parts.apply({ kind: "endpoints", backend: key, endpoints: undefined });
  }

  /** @returns Whether there is something else to say about it. */
  #tellEndpoints(key: string): boolean {
    const known = this.#backends.get(key);
    if (known === undefined) return false;
    const { services, slices, view, apply } = this.#parts;
    const service = `${known.ref.namespace}/${known.ref.service}`;
    const { endpoints, problem } = backendView(
      known.ref,
      services.getByKey(service),
      slices.byIndex(sliceIndex, service),
      view(),
    );
    const said = JSON.stringify(endpoints);
    if (said !== known.said) apply({ kind: "endpoints", backend: key, endpoints });
    known.said = said;
    const isNew = problem !== known.problem;
    known.problem = problem;
    return isNew;
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
    const ofBackends = plan.backends.flatMap((ref) => this.#backends.get(backendKey(ref))?.problem ?? []);
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

const serviceOf = ({ metadata }: EndpointSlice) =>
  `${metadata.namespace}/${metadata.labels?.[serviceLabel] ?? ""}`;

function splitKey(key: string): readonly [namespace: string, name: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function drained(set: Set<string>): readonly string[] {
  const all = [...set];
  set.clear();
  return all;
}
