import { deferred } from "../../base/deferred.ts";
import type { Log } from "../../base/os/log.ts";
import { TaskScope } from "../../base/os/task-scope.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { definitions, isEstablished, servedVersions, smallDefinition } from "../definitions.ts";
import type { Informer, InformerFactory } from "../informer.ts";
import type { Stored } from "../object-cache.ts";
import type { KubeObject, Resource } from "../types.ts";
import { isOwnGatewayClass } from "./gateway-class.ts";
import {
  type AnyRoute,
  type BackendTlsPolicy,
  type Gateway,
  type GatewayClass,
  type GrpcRoute,
  gatewayGroup,
  gatewayResources,
  type HttpRoute,
  type ReferenceGrant,
} from "./gateway-types.ts";

export interface GatewayFeedParts {
  readonly informers: Pick<InformerFactory, "ownInformer">;
  readonly log: Log;
  /** Something is otherwise than before, or was read for the first time. */
  readonly onChange: () => void;
}

interface Followed {
  readonly tasks: TaskScope;
  readonly gateways: Informer<Gateway>;
  readonly httpRoutes: Informer<HttpRoute>;
  readonly grpcRoutes: Informer<GrpcRoute>;
  readonly grants: Informer<ReferenceGrant>;
  /** Whether policies of TLS to backends are defined, as in older releases they are not. */
  readonly policiesDefined: Informer<KubeObject>;
  policies: Informer<BackendTlsPolicy> | undefined;
}

/** Follows Gateway API where a cluster has it. While the kinds are not defined this is one watch of one object that is not there;
 *  while there is no class of ours, one more of classes. */
export class GatewayFeed {
  readonly #parts: GatewayFeedParts;
  #wake = deferred<void>();
  #definition: Informer<KubeObject> | undefined;
  #ofClasses: { readonly tasks: TaskScope; readonly classes: Informer<GatewayClass> } | undefined;
  #followed: Followed | undefined;

  constructor(parts: GatewayFeedParts) {
    this.#parts = parts;
  }

  /** False while what there is, is being read. */
  get isRead(): boolean {
    if (this.#definition?.hasSynced !== true) return false;
    if (this.#ofClasses === undefined) return !this.#isDefined;
    if (!this.#ofClasses.classes.hasSynced) return false;
    if (this.#followed === undefined) return !this.classes.some(isOwnGatewayClass);
    const { gateways, httpRoutes, grpcRoutes, grants, policiesDefined, policies } = this.#followed;
    const isRead = [gateways, httpRoutes, grpcRoutes, grants, policiesDefined].every(
      ({ hasSynced }) => hasSynced,
    );
    return isRead && (policies?.hasSynced ?? !policiesDefined.list().some(servesPolicies));
  }

  get classes(): readonly GatewayClass[] {
    return this.#ofClasses?.classes.list() ?? [];
  }

  get gateways(): readonly Gateway[] {
    return this.#followed?.gateways.list() ?? [];
  }

  get grants(): readonly ReferenceGrant[] {
    return this.#followed?.grants.list() ?? [];
  }

  get policies(): readonly BackendTlsPolicy[] {
    return this.#followed?.policies?.list() ?? [];
  }

  get routes(): readonly AnyRoute[] {
    return [
      ...(this.#followed?.httpRoutes.list() ?? []).map((route) => ({ kind: "HTTPRoute", route }) as const),
      ...(this.#followed?.grpcRoutes.list() ?? []).map((route) => ({ kind: "GRPCRoute", route }) as const),
    ];
  }

  async run(signal: AbortSignal): Promise<void> {
    const tasks = new TaskScope(this.#parts.log);
    this.#definition = this.#follow(tasks, definitions, {
      fieldSelector: `metadata.name=gatewayclasses.${gatewayGroup}`,
      keep: smallDefinition,
    });
    try {
      for (;;) {
        await unlessAborted(this.#wake.promise, signal);
        this.#wake = deferred();
        await this.#arrange();
        this.#parts.onChange();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#leaveKinds();
      await this.#leaveClasses();
      await tasks.stop();
    }
  }

  get #isDefined(): boolean {
    return this.#definition?.list().some(isEstablished) ?? false;
  }

  /** Follows what is to be followed by what is known now, and no more. */
  async #arrange(): Promise<void> {
    const isDefined = this.#isDefined;
    if (!isDefined) {
      await this.#leaveKinds();
      await this.#leaveClasses();
    } else if (this.#ofClasses === undefined) {
      const tasks = new TaskScope(this.#parts.log);
      this.#ofClasses = { tasks, classes: this.#follow(tasks, gatewayResources.gatewayclasses) };
    }
    const isWanted = this.classes.some(isOwnGatewayClass);
    if (!isWanted) await this.#leaveKinds();
    else if (this.#followed === undefined) {
      const tasks = new TaskScope(this.#parts.log);
      this.#followed = {
        tasks,
        gateways: this.#follow(tasks, gatewayResources.gateways),
        httpRoutes: this.#follow(tasks, gatewayResources.httproutes),
        grpcRoutes: this.#follow(tasks, gatewayResources.grpcroutes),
        grants: this.#follow(tasks, gatewayResources.referencegrants),
        policiesDefined: this.#follow(tasks, definitions, {
          fieldSelector: `metadata.name=backendtlspolicies.${gatewayGroup}`,
          keep: smallDefinition,
        }),
        policies: undefined,
      };
    }
    await this.#arrangePolicies();
  }

  async #arrangePolicies(): Promise<void> {
    const followed = this.#followed;
    if (followed === undefined) return;
    const isServed = followed.policiesDefined.list().some(servesPolicies);
    if (isServed && followed.policies === undefined)
      followed.policies = this.#follow(followed.tasks, gatewayResources.backendtlspolicies);
    // Their definition is gone: all that is followed is followed anew, without them.
    else if (!isServed && followed.policies !== undefined) {
      await this.#leaveKinds();
      await this.#arrange();
    }
  }

  async #leaveClasses(): Promise<void> {
    const left = this.#ofClasses;
    this.#ofClasses = undefined;
    await left?.tasks.stop();
  }

  async #leaveKinds(): Promise<void> {
    const left = this.#followed;
    this.#followed = undefined;
    await left?.tasks.stop();
  }

  #follow<T extends Stored>(
    tasks: TaskScope,
    resource: Resource<T>,
    scope: { readonly fieldSelector?: string; readonly keep?: (object: T) => T } = {},
  ): Informer<T> {
    const informer = this.#parts.informers.ownInformer(tasks, resource, scope);
    const touch = () => this.#wake.resolve();
    informer.subscribe({ onAdd: touch, onUpdate: touch, onDelete: touch });
    tasks.run(`first state of ${resource.plural}`, async (signal) => {
      await informer.synced(signal);
      touch();
    });
    return informer;
  }
}

const servesPolicies = (definition: KubeObject): boolean =>
  isEstablished(definition) &&
  servedVersions(definition).includes(gatewayResources.backendtlspolicies.version);
