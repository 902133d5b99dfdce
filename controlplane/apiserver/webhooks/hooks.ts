import { type Selector, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type { MutatingWebhook, ValidatingWebhook } from "../../../client/types.ts";
import type { AskedRequest } from "../admission/matching/asked-request.ts";
import { type CompiledCondition, compileCondition } from "../admission/matching/match-conditions.ts";
import { matchingForm, type Rule } from "../admission/matching/rules.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import type { KindCache } from "../cache/kind-cache.ts";
import type { Kind } from "../registry/kind.ts";
import type { KindRegistry } from "../registry/kind-registry.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import type { HookAddress } from "./hook-client.ts";

/** A webhook of a configuration, made ready to be asked. */
export interface Hook {
  readonly configuration: string;
  /** Told apart by configuration, name and place. */
  readonly id: string;
  readonly name: string;
  /** Its place among all webhooks. */
  readonly index: number;
  readonly address: HookAddress;
  readonly rules: readonly Rule[];
  readonly matchPolicy: string | undefined;
  readonly namespaceSelector: Selector;
  readonly objectSelector: Selector;
  readonly conditions: readonly CompiledCondition[];
  readonly ignoresFailure: boolean;
  readonly timeoutSeconds: number;
  readonly sideEffects: string | undefined;
  readonly reviewVersions: readonly string[];
  readonly reinvoked: boolean;
}

type Webhook = ValidatingWebhook & Partial<Pick<MutatingWebhook, "reinvocationPolicy">>;
type Unplaced = Omit<Hook, "index">;
export type HooksDeps = LookupDeps & { readonly kinds: KindRegistry };

/** The webhooks of one kind of configuration, as this server's cache has them: a change counts as soon as it is there. Which
 *  of them have rules for a resource and an operation is worked out once. */
export class Hooks {
  readonly #deps: HooksDeps;
  readonly #kind: Kind;
  readonly #made = new WeakMap<StoredObject, readonly Unplaced[]>();
  #cache: KindCache | undefined;
  #all: readonly Hook[] | undefined;
  #kindsVersion = 0;
  readonly #byResource = new Map<string, readonly Hook[]>();

  constructor(deps: HooksDeps, kind: Kind) {
    this.#deps = deps;
    this.#kind = kind;
  }

  /** There are certainly none at this moment: nobody need be asked which. */
  get areNone(): boolean {
    return this.#all?.length === 0 && this.#isCurrent();
  }

  /** Those that some rule lets be asked about such a request, in Kubernetes' order. */
  async for(asked: AskedRequest): Promise<readonly Hook[]> {
    const all = this.#all !== undefined && this.#isCurrent() ? this.#all : await this.#load();
    if (all.length === 0) return all;
    if (this.#kindsVersion !== this.#deps.kinds.version) {
      this.#byResource.clear();
      this.#kindsVersion = this.#deps.kinds.version;
    }
    const { group, version, plural } = asked.form;
    const isInside = asked.namespace === "" ? "" : "namespaced";
    const key = [asked.operation, group, version, plural, asked.subresource, isInside].join(" ");
    const known = this.#byResource.get(key);
    if (known !== undefined) return known;
    const found = all.filter((hook) => matchingForm(hook.rules, asked, hook.matchPolicy) !== undefined);
    this.#byResource.set(key, found);
    return found;
  }

  /** A cache that was loaded anew is another one. */
  #isCurrent(): boolean {
    return this.#cache !== undefined && this.#deps.hub.peek(this.#kind) === this.#cache;
  }

  async #load(): Promise<readonly Hook[]> {
    const cache = await this.#deps.hub.cache(this.#kind);
    if (cache !== this.#cache) {
      this.#cache = cache;
      const forget = () => {
        if (this.#cache === cache) this.#all = undefined;
      };
      cache.listen({ wake: forget, end: forget });
    }
    const sorted = [...cache.list(cache.prefix)].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    this.#all = sorted.flatMap((one) => this.#hooksOf(one)).map((hook, index) => ({ ...hook, index }));
    this.#byResource.clear();
    return this.#all;
  }

  #hooksOf(stored: StoredObject): readonly Unplaced[] {
    const known = this.#made.get(stored);
    if (known !== undefined) return known;
    const { webhooks = [] } = stored.object as unknown as { readonly webhooks?: readonly Webhook[] };
    const seen = new Map<string, number>();
    const made = webhooks.map((webhook) => {
      const times = seen.get(webhook.name) ?? 0;
      seen.set(webhook.name, times + 1);
      return hookOf(nameOf(stored), webhook, times);
    });
    this.#made.set(stored, made);
    return made;
  }
}

const nameOf = ({ object }: StoredObject) => object.metadata.name;

function hookOf(configuration: string, webhook: Webhook, times: number): Unplaced {
  const { name, clientConfig, matchConditions = [], rules = [] } = webhook;
  return {
    configuration,
    id: `${configuration}/${name}/${times}`,
    name,
    address: hookAddress(clientConfig),
    rules: rules as readonly Rule[],
    matchPolicy: webhook.matchPolicy,
    namespaceSelector: selectorFromLabelSelector(webhook.namespaceSelector ?? {}),
    objectSelector: selectorFromLabelSelector(webhook.objectSelector ?? {}),
    conditions: matchConditions.map((one) => compileCondition(one)),
    ignoresFailure: webhook.failurePolicy === "Ignore",
    timeoutSeconds: webhook.timeoutSeconds ?? 10,
    sideEffects: webhook.sideEffects,
    reviewVersions: webhook.admissionReviewVersions ?? [],
    reinvoked: webhook.reinvocationPolicy === "IfNeeded",
  };
}

interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly port?: number;
    readonly path?: string;
  };
  readonly caBundle?: string;
}

/** Where a client configuration of Kubernetes leads. A bundle of nothing but space is none. */
export function hookAddress({ url, service, caBundle = "" }: ClientConfig): HookAddress {
  const authorityPem = Buffer.from(caBundle, "base64").toString("utf8").trim();
  const { namespace = "", name = "", port = 443, path } = service ?? {};
  return {
    ...(url !== undefined && { url }),
    ...(service !== undefined && { service: { namespace, name, port, ...(path !== undefined && { path }) } }),
    ...(authorityPem !== "" && { authorityPem }),
  };
}
