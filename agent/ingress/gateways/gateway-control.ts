import type { GatewayFeed } from "../../../client/gateway/gateway-feed.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import type { ConfigMap, Namespace, Secret, Service } from "../../../client/types.ts";
import type { FollowedKind } from "../../sync/followed-kind.ts";
import type { BackendEndpoints } from "../backend-endpoints.ts";
import type { Change } from "../data-plane.ts";
import { splitKey } from "../ingress-control.ts";
import { type BackendRef, backendKey } from "../ingress-routes.ts";
import { GatewayCertificates, secretsOwner } from "./gateway-certificates.ts";
import { type GatewayPort, planGateways, undone } from "./gateway-plan.ts";

export interface GatewayControlParts {
  readonly feed: Pick<GatewayFeed, "isRead" | "classes" | "gateways" | "routes" | "grants" | "policies">;
  readonly services: Informer<Service>;
  /** Followed from when it is first asked for. */
  readonly namespaces: () => Informer<Namespace>;
  readonly backends: Pick<BackendEndpoints, "use" | "leave">;
  readonly secrets: Pick<FollowedKind<Secret>, "add" | "forget" | "peek">;
  readonly configMaps: Pick<FollowedKind<ConfigMap>, "add" | "forget" | "peek">;
  readonly apply: (change: Change) => void;
  readonly wake: () => void;
}

const backendsOwner = "gateways";
const configMapsOwner = "gateways";

/** Tells whoever serves what the Gateways of our classes ask for. A change costs a look at all of them, and tells what is new. */
export class GatewayControl {
  readonly #parts: GatewayControlParts;
  readonly #certificates: GatewayCertificates;
  /** What was told last, as text too, by what it is about. */
  #told: ReadonlyMap<string, { readonly change: Change; readonly text: string }> = new Map();
  #backends: ReadonlyMap<string, BackendRef> = new Map();
  #services: ReadonlySet<string> = new Set();
  #ports: readonly GatewayPort[] | undefined;
  #namespaces: Informer<Namespace> | undefined;
  #isDirty = true;
  #areCertificatesDirty = false;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(parts: GatewayControlParts) {
    this.#parts = parts;
    this.#certificates = new GatewayCertificates(parts.secrets, parts.apply);
  }

  follow(): void {
    const onService = (service: Service) => {
      if (this.#services.has(keyOf(service))) this.changed();
    };
    this.#unsubscribe.push(
      this.#parts.services.subscribe({ onAdd: onService, onUpdate: onService, onDelete: onService }),
    );
  }

  stop(): void {
    for (const off of this.#unsubscribe) off();
  }

  changed = (): void => {
    this.#isDirty = true;
    this.#parts.wake();
  };

  /** @param owner Of a secret that was read, changed or went. */
  secretChanged(owner: string): void {
    if (owner !== secretsOwner) return;
    this.#areCertificatesDirty = true;
    this.#parts.wake();
  }

  /** On which requests are to come; undefined while that is not known. */
  get ports(): readonly GatewayPort[] | undefined {
    return this.#ports;
  }

  /** Whether handshakes would fail there for want of certificates that are being read. */
  isWaiting(entry: string): boolean {
    return !this.#certificates.areRead(entry);
  }

  /** Tells all that changed since the last time. */
  carryOut(): void {
    if (this.#isDirty && this.#parts.feed.isRead) {
      this.#isDirty = false;
      this.#planAgain();
    }
    if (this.#areCertificatesDirty) this.#certificates.tell();
    this.#areCertificatesDirty = false;
  }

  #planAgain(): void {
    const { feed, services, backends, configMaps, apply } = this.#parts;
    const { classes, gateways, routes, grants, policies } = feed;
    const plan = planGateways({
      classes,
      gateways,
      routes,
      grants,
      policies,
      configMap: (key) => configMaps.peek(...splitKey(key)).object,
      namespaceLabels: (name) => this.#labelsOf(name),
      service: (key) => services.getByKey(key),
    });
    this.#services = plan.services;
    // What they say is planned with once it was read.
    for (const key of plan.configMaps) configMaps.add(configMapsOwner, ...splitKey(key));
    configMaps.forget(configMapsOwner, plan.configMaps);
    const next = new Map(plan.backends.map((ref) => [backendKey(ref), ref]));
    // Endpoints come before the routes that lead to them, and go after those.
    for (const ref of next.values()) backends.use(backendsOwner, ref);
    const told = new Map<string, { readonly change: Change; readonly text: string }>();
    for (const [key, change] of plan.changes) {
      const text = JSON.stringify(change);
      told.set(key, { change, text });
      if (this.#told.get(key)?.text !== text) apply(change);
    }
    for (const [key, { change }] of this.#told) if (!told.has(key)) apply(undone(change));
    this.#told = told;
    for (const [key, ref] of this.#backends) if (!next.has(key)) backends.leave(backendsOwner, ref);
    this.#backends = next;
    this.#certificates.set(plan.certificates);
    this.#ports = plan.ports;
  }

  #labelsOf(namespace: string): Readonly<Record<string, string>> | undefined {
    if (this.#namespaces === undefined) {
      this.#namespaces = this.#parts.namespaces();
      const handler = { onAdd: this.changed, onUpdate: this.changed, onDelete: this.changed };
      this.#unsubscribe.push(this.#namespaces.subscribe(handler));
    }
    const found = this.#namespaces.getByKey(namespace);
    return found && (found.metadata.labels ?? {});
  }
}
