import { ApiError, ConnectionError } from "../../../../client/api-error.ts";
import { objectPath, resourcePath } from "../../../../client/paths.ts";
import { apiVersionOf } from "../../../../client/resources.ts";
import type { Ref, Resource } from "../../../../client/types.ts";
import type { Reader } from "../../../../client/why/gather.ts";
import type { ClusterFeeds, Source } from "../api/cluster-feeds.ts";
import { allows, knownRights } from "../api/rights.ts";
import { call, Refusal } from "../api/session.ts";

type Client = Reader["client"];

/** Reads facts as the person who looks. */
export const reader: Reader = {
  client: {
    get: async (resource, ref, { signal } = {}) => {
      const found = await read<object>(objectPath(resource, ref), signal);
      return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...found } as never;
    },
    list: async (resource, { namespace, limit, fieldSelector, continue: next, signal } = {}) => {
      const query = new URLSearchParams({
        ...(limit !== undefined && { limit: String(limit) }),
        ...(fieldSelector !== undefined && { fieldSelector }),
        ...(next !== undefined && { continue: next }),
      });
      const { items = [], metadata = {} } = await read<{ items?: readonly object[]; metadata?: object }>(
        `${resourcePath(resource, { namespace })}?${query}`,
        signal,
      );
      return { items: items.map((item) => whole(resource, item)), metadata } as never;
    },
  },
  async *logs({ name, namespace = "" }, { container, previous, tailLines, limitBytes }, signal) {
    const query = new URLSearchParams({
      container,
      previous: String(previous),
      tailLines: String(tailLines),
      limitBytes: String(limitBytes),
    });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log?${query}`;
    const answer = await asClients(call(path, { accept: "*/*", signal }));
    yield new Uint8Array(await answer.arrayBuffer());
  },
};

const keptMs = 20_000;
const keptMost = 2_000;

/** The same for a survey that is made again and again: collections are those of the view, which are followed, and single objects
 *  and last lines are read anew only after a while. */
export function readerOf(feeds: Pick<ClusterFeeds, "of">): Reader {
  const kept = new Map<string, { readonly untilMs: number; readonly value: Promise<unknown> }>();
  const keep = <T>(key: string, read: () => Promise<T>): Promise<T> => {
    const nowMs = performance.now();
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.value as Promise<T>;
    // The oldest stand first.
    for (const [old, { untilMs }] of kept) if (untilMs <= nowMs || kept.size >= keptMost) kept.delete(old);
    const value = read();
    kept.delete(key);
    kept.set(key, { untilMs: nowMs + keptMs, value });
    return value;
  };
  const list = async (
    resource: Resource<unknown>,
    options: { namespace?: string; fieldSelector?: string } = {},
  ) => {
    const { namespace = "", fieldSelector } = options;
    const { group, plural } = resource;
    // Who may not is not refused again and again.
    if (!allows(await knownRights(namespace), { verb: "list", group, resource: plural }))
      throw refused(403, `you may not list ${plural}`);
    const source = feeds.of(resource, fieldSelector === undefined ? {} : { fieldSelector }, namespace);
    if (source === undefined) throw refused(404, `${plural} are not served`);
    return { items: await settled(source), metadata: {} };
  };
  return {
    client: {
      list: list as unknown as Client["list"],
      get: (resource, ref, options) =>
        keep(`${apiVersionOf(resource)} ${resource.plural} ${placeOf(ref)}`, () =>
          reader.client.get(resource, ref, options),
        ),
    },
    async *logs(ref, options, signal) {
      const all = async () => {
        const pieces: Uint8Array[] = [];
        for await (const piece of reader.logs(ref, options, signal)) pieces.push(piece);
        return pieces;
      };
      yield* await keep(`lines ${placeOf(ref)} ${options.container} ${options.previous}`, all);
    },
  };
}

const placeOf = ({ name, namespace = "" }: Ref) => `${namespace}/${name}`;
const whole = <T>(resource: Resource<T>, item: object) => ({
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
  ...item,
});

const waitMostMs = 15_000;

/** What a collection holds, once all of it has come: of a half much would seem to be missing. */
function settled({ state, objects }: Source): Promise<readonly object[]> {
  return new Promise((resolve, reject) => {
    const slow = setTimeout(() => over(() => reject(refused(503, "it does not come"))), waitMostMs);
    let end: (() => void) | undefined;
    let isOver = false;
    const over = (tell: () => void) => {
      isOver = true;
      clearTimeout(slow);
      end?.();
      tell();
    };
    end = state.subscribe((now) => {
      if (isOver) return;
      if (now.is === "refused") over(() => reject(refused(now.code, now.why)));
      else if (now.is === "live") over(() => resolve(objects()));
    });
    if (isOver) end();
  });
}

const read = async <T>(path: string, signal: AbortSignal | undefined): Promise<T> =>
  (await (await asClients(call(path, signal === undefined ? {} : { signal }))).json()) as T;

/** Refusals as the analyses know them. */
async function asClients<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw error.code === 0
      ? new ConnectionError(error.message, { neverSent: false })
      : refused(error.code, error.message, error.reason);
  }
}

const refused = (code: number, message: string, reason = "") =>
  new ApiError(code, { kind: "Status", apiVersion: "v1", status: "Failure", code, message, reason });
