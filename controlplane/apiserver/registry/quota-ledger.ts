import type { Clock } from "../../../base/os/clock.ts";
import type { QuotaEvaluator, QuotaWrite } from "../../../client/rules/quota-evaluator.ts";
import { quotaEvaluator } from "../../../client/rules/quota-kinds.ts";
import type { KubeObject, ResourceQuota } from "../../../client/types.ts";
import { amountTexts, charge } from "../admission/quota-charge.ts";
import { conflict, forbidden, type GroupResource, modifiedMeanwhile } from "../api-error.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { Kind } from "./kind.ts";
import type { Kinds } from "./kind-table.ts";
import type { CommitResult, Storage, StoredEntry, Transaction, Write } from "./storage.ts";
import { decodeStored, encodeStored, listPrefix } from "./stored-object.ts";

export interface QuotaLedgerDeps {
  readonly storage: Storage;
  readonly hub: CacheHub;
  readonly kinds: Kinds;
  readonly clock: Clock;
}

/** A write that is about to be committed. */
export interface LedgerWrite extends QuotaWrite {
  /** As the client names it. */
  readonly resource: GroupResource;
  readonly kind: Kind;
}

/** Stores the transaction with whatever else the writer says. */
export type Commit = (transaction: Transaction) => Promise<CommitResult>;

/** Times in a row that another server may be faster before a write gives up. */
const attemptsMax = 100;

/** Kubernetes' ResourceQuota. What a write uses up is charged in the transaction that stores it, on the state of the quotas
 *  that it was judged by: nothing is charged for what was not stored, and however many servers write at once, no quota is
 *  ever exceeded. Writes of a namespace with quotas go one after another, since each changes what the next one finds. */
export class QuotaLedger {
  readonly #deps: QuotaLedgerDeps;
  readonly #lanes = new Map<string, Lane>();

  constructor(deps: QuotaLedgerDeps) {
    this.#deps = deps;
  }

  /** Fails with Forbidden where a quota would be exceeded. Charges nothing: for dry runs. */
  async check(write: LedgerWrite): Promise<void> {
    const evaluator = evaluatorOf(write);
    if (evaluator === undefined) return;
    const quotas = await this.#quotas(write.object.metadata.namespace ?? "");
    this.#charge(write, evaluator, [...quotas.values()]);
  }

  /** Commits the transaction together with what it is charged. A result that is not ok is about the transaction's own
   *  comparisons. Fails with Forbidden where a quota would be exceeded. */
  async commit(write: LedgerWrite, transaction: Transaction, commit: Commit): Promise<CommitResult> {
    const evaluator = evaluatorOf(write);
    if (evaluator === undefined) return commit(transaction);
    const { namespace = "" } = write.object.metadata;
    if ((await this.#quotas(namespace)).size === 0) return commit(transaction);
    const lane = this.#lanes.get(namespace) ?? new Lane();
    this.#lanes.set(namespace, lane);
    const leave = await lane.enter();
    try {
      return await this.#commitIn(lane, { write, evaluator, transaction, namespace, commit });
    } finally {
      leave();
      if (lane.isEmpty) this.#lanes.delete(namespace);
    }
  }

  async #commitIn(
    lane: Lane,
    { write, evaluator, transaction, namespace, commit }: ChargedCommit,
  ): Promise<CommitResult> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const quotas = lane.newest(await this.#quotas(namespace));
      const charged = this.#charge(write, evaluator, [...quotas.values()]);
      const entries = [...charged].map(([quota, used]) => {
        const object = { ...quota.object, status: { ...statusOf(quota), used } };
        return { key: quota.key, modRevision: quota.modRevision, object };
      });
      const result = await commit({
        compare: [...transaction.compare, ...entries.map(({ key, modRevision }) => ({ key, modRevision }))],
        writes: [
          ...transaction.writes,
          ...entries.map(({ key, object }): Write => ({ type: "put", key, value: encodeStored(object) })),
        ],
      });
      if (result.ok) {
        for (const { key, object } of entries)
          lane.saw(key, { key, object, modRevision: result.revision }, result.revision);
        return result;
      }
      const own = transaction.compare.length;
      const failed = transaction.compare.some(
        ({ modRevision }, at) => (result.current[at]?.modRevision ?? 0) !== modRevision,
      );
      if (failed) return { ...result, current: result.current.slice(0, own) };
      entries.forEach(({ key }, at) => {
        lane.saw(key, this.#decoded(result.current[own + at]), result.revision);
      });
    }
    throw conflict({ group: "", plural: "resourcequotas" }, "", modifiedMeanwhile);
  }

  #charge(
    write: LedgerWrite,
    evaluator: QuotaEvaluator,
    quotas: readonly KnownQuota[],
  ): ReadonlyMap<KnownQuota, { [name: string]: string }> {
    const byObject = new Map(quotas.map((quota) => [quota.object as unknown as ResourceQuota, quota]));
    const charged = charge([...byObject.keys()], evaluator, write, this.#deps.clock.wallMs());
    if (!charged.ok) throw forbidden(write.resource, write.object.metadata.name, charged.why);
    return new Map(
      [...charged.used].flatMap(([object, used]) => {
        const quota = byObject.get(object);
        return quota === undefined ? [] : [[quota, amountTexts(used)] as const];
      }),
    );
  }

  get #kind(): Kind | undefined {
    return this.#deps.kinds.named("", "resourcequotas")?.kind;
  }

  /** From the cache, which is loaded once. */
  async #quotas(namespace: string): Promise<ReadonlyMap<string, KnownQuota>> {
    const kind = this.#kind;
    if (kind === undefined || namespace === "") return new Map();
    const cache = this.#deps.hub.peek(kind) ?? (await this.#deps.hub.cache(kind));
    return new Map(
      cache
        .list(listPrefix(kind, namespace))
        .map(({ key, object, revision }) => [key, { key, object, modRevision: revision }]),
    );
  }

  #decoded(entry: StoredEntry | undefined): KnownQuota | undefined {
    const kind = this.#kind;
    if (entry === undefined || kind === undefined) return undefined;
    const object = decodeStored(kind, entry.value, entry.modRevision);
    return { key: entry.key, object, modRevision: entry.modRevision };
  }
}

/** Where quotas are not heeded. */
export const withoutQuotas: Pick<QuotaLedger, "check" | "commit"> = {
  check: async () => {},
  commit: (_, transaction, commit) => commit(transaction),
};

interface ChargedCommit {
  readonly write: LedgerWrite;
  readonly evaluator: QuotaEvaluator;
  readonly transaction: Transaction;
  readonly namespace: string;
  readonly commit: Commit;
}

/** Undefined where the write cannot use anything up. */
function evaluatorOf(write: LedgerWrite): QuotaEvaluator | undefined {
  const { kind } = write;
  if (!kind.namespaced) return undefined;
  const evaluator = quotaEvaluator(kind.group, kind.plural);
  return evaluator?.charges(write) ? evaluator : undefined;
}

interface KnownQuota {
  readonly key: string;
  readonly object: KubeObject;
  readonly modRevision: number;
}

const statusOf = ({ object }: KnownQuota) => object.status as ResourceQuota["status"];

/** The writes of one namespace, one after another, and what they learnt of its quotas before the cache did. */
class Lane {
  #last: Promise<void> = Promise.resolve();
  #inside = 0;
  readonly #seen = new Map<string, { readonly quota: KnownQuota | undefined; readonly revision: number }>();

  get isEmpty(): boolean {
    return this.#inside === 0;
  }

  /** Resolves when it is one's turn, with what ends it. */
  async enter(): Promise<() => void> {
    const before = this.#last;
    let leave = () => {};
    this.#last = new Promise((resolve) => {
      leave = () => {
        this.#inside--;
        resolve();
      };
    });
    this.#inside++;
    await before;
    return leave;
  }

  /** As of `revision` the quota was this, or gone. */
  saw(key: string, quota: KnownQuota | undefined, revision: number): void {
    this.#seen.set(key, { quota, revision });
  }

  /** The cache's quotas, or what is known to be newer. */
  newest(cached: ReadonlyMap<string, KnownQuota>): ReadonlyMap<string, KnownQuota> {
    const newest = new Map(cached);
    for (const [key, { quota, revision }] of this.#seen) {
      const shown = cached.get(key);
      if (shown !== undefined && shown.modRevision >= revision) this.#seen.delete(key);
      else if (quota === undefined) newest.delete(key);
      else newest.set(key, quota);
    }
    return newest;
  }
}
