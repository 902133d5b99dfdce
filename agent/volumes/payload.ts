import type { Pod, Volume } from "../../client/types.ts";
import {
  ConfigError,
  configMapFiles,
  type FieldContext,
  fieldOf,
  resourceField,
  type Sources,
  secretData,
} from "../sync/environment.ts";

import type { TrustProjection } from "../sync/trust-bundles.ts";
import type { PodTokens } from "./account-tokens.ts";
import { soleUser } from "./file-owner.ts";

/** What files of volumes are made of. */
export interface PayloadSources extends Sources {
  /** PEM of the ClusterTrustBundles that are meant. */
  trustAnchors(projection: TrustProjection): Promise<string>;
}

export interface PayloadFile {
  readonly bytes: Buffer;
  readonly mode: number;
  /** The user whose file it is; root's unless said. */
  readonly owner?: number;
}
/** By path, relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

interface Item {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

/** The files of a configMap, secret, downwardAPI or projected volume; undefined for other kinds. Rejects with ConfigError
 *  when something named is missing and not optional. */
export async function payloadOf(
  pod: Pod,
  volume: Volume,
  context: FieldContext,
  { sources, tokens }: { readonly sources: PayloadSources; readonly tokens: PodTokens },
): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap)
    return chosen(
      await configMapFiles(pod, configMap, sources),
      configMap.items,
      configMap.defaultMode ?? 0o644,
      configMap,
    );
  if (secret) {
    const ref = {
      name: secret.secretName ?? "",
      ...(secret.optional !== undefined && { optional: secret.optional }),
    };
    return chosen(await secretData(pod, ref, sources), secret.items, secret.defaultMode ?? 0o644, ref);
  }
  if (downwardAPI) return downward(pod, downwardAPI.items, context, downwardAPI.defaultMode ?? 0o644);
  if (!projected) return undefined;
  const all = new Map<string, PayloadFile>();
  const mode = projected.defaultMode ?? 0o644;
  for (const source of projected.sources ?? []) {
    const part = source.configMap
      ? chosen(
          await configMapFiles(pod, source.configMap, sources),
          source.configMap.items,
          mode,
          source.configMap,
        )
      : source.secret
        ? chosen(await secretData(pod, source.secret, sources), source.secret.items, mode, source.secret)
        : source.serviceAccountToken
          ? await tokenFile(pod, source.serviceAccountToken, mode, tokens)
          : source.clusterTrustBundle
            ? await trustFile(source.clusterTrustBundle, mode, sources)
            : downward(pod, source.downwardAPI?.items, context, mode);
    for (const [path, file] of part) all.set(path, file);
  }
  return all;
}

function chosen(
  data: ReadonlyMap<string, Buffer>,
  items: readonly Item[] | undefined,
  mode: number,
  ref: { readonly name?: string; readonly optional?: boolean },
): Payload {
  if (items === undefined || items.length === 0)
    return new Map([...data].map(([key, bytes]) => [key, { bytes, mode }]));
  const files = new Map<string, PayloadFile>();
  for (const item of items) {
    const bytes = data.get(item.key);
    if (bytes !== undefined) files.set(safe(item.path), { bytes, mode: item.mode ?? mode });
    else if (!ref.optional) throw new ConfigError(`references non-existent key ${item.key} in ${ref.name}`);
  }
  return files;
}

type Projection = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

/** A token is only its pod's to read: where the pod says who its user is, or its group, nobody else may. */
async function tokenFile(
  pod: Pod,
  { path, audience, expirationSeconds }: NonNullable<Projection["serviceAccountToken"]>,
  mode: number,
  tokens: PodTokens,
): Promise<Payload> {
  const wanted = { audience: audience ?? "", lifeSeconds: expirationSeconds ?? usualLifeSeconds };
  const bytes = Buffer.from(await tokens.token(pod, wanted));
  const owner = soleUser(pod);
  const isOwned = owner !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
  const file = { bytes, mode: isOwned ? 0o600 : mode, ...(owner !== undefined && { owner }) };
  return new Map([[safe(path), file]]);
}

const usualLifeSeconds = 3600;

async function trustFile(
  projection: TrustProjection,
  mode: number,
  sources: PayloadSources,
): Promise<Payload> {
  return new Map([
    [safe(projection.path), { bytes: Buffer.from(await sources.trustAnchors(projection)), mode }],
  ]);
}

type DownwardItems = NonNullable<Volume["downwardAPI"]>["items"];

function downward(pod: Pod, items: DownwardItems, context: FieldContext, mode: number): Payload {
  return new Map(
    (items ?? []).map((item) => {
      const [first] = pod.spec.containers;
      if (first === undefined) throw new ConfigError("the pod has no containers");
      const text = item.fieldRef
        ? fieldOf(pod, item.fieldRef.fieldPath, context)
        : item.resourceFieldRef
          ? resourceField(pod, first, context, item.resourceFieldRef)
          : "";
      return [safe(item.path), { bytes: Buffer.from(text), mode: item.mode ?? mode }];
    }),
  );
}

function safe(path: string): string {
  if (path.startsWith("/") || path.split("/").some((part) => part === ".." || part === ""))
    throw new ConfigError(`the path ${path} leaves its volume`);
  return path;
}
