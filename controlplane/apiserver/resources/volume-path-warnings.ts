import { withoutTrailing } from "../../../base/without-trailing.ts";
import type { PodSpec } from "../../../client/types.ts";

/** Files of one volume that would lie upon each other. */

type Volume = NonNullable<PodSpec["volumes"]>[number];
type Source = NonNullable<NonNullable<Volume["projected"]>["sources"]>[number];

interface File {
  readonly path: string;
  /** Where it comes from; empty: from the one source that there is. */
  readonly source: string;
}

export function pathWarnings(volumes: readonly Volume[]): readonly string[] {
  return volumes.flatMap(({ name, configMap, secret, downwardAPI, projected }) => {
    const quoted = JSON.stringify;
    const told = (what: string, clashes: readonly string[]) =>
      clashes.map((clash) => `volume ${quoted(name)} (${what}): overlapping paths: ${clash}`);
    const empty = (projected?.sources ?? []).filter((source) => Object.keys(source).length === 0);
    return [
      ...told(`ConfigMap ${quoted(configMap?.name ?? "")}`, clashes(filesOf(configMap?.items))),
      ...told(`Secret ${quoted(secret?.secretName ?? "")}`, clashes(filesOf(secret?.items))),
      ...told("DownwardAPI", clashes(filesOf(downwardAPI?.items))),
      ...empty.map(() => `volume ${quoted(name)} (Projected) has no sources provided`),
      ...told("Projected", clashes((projected?.sources ?? []).flatMap(projectedFiles))),
    ];
  });
}

const filesOf = (items: readonly { readonly path: string }[] | undefined, source = ""): readonly File[] =>
  (items ?? []).map(({ path }) => ({ path, source }));

function projectedFiles(source: Source): readonly File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? "")}`);
  if (secret?.items) return filesOf(secret.items, `Secret ${JSON.stringify(secret.name ?? "")}`);
  if (downwardAPI?.items) return filesOf(downwardAPI.items, "DownwardAPI");
  if (serviceAccountToken) return filesOf([serviceAccountToken], "ServiceAccountToken");
  if (clusterTrustBundle) {
    const name = clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? "";
    return filesOf([clusterTrustBundle], `ClusterTrustBundle ${JSON.stringify(name)}`);
  }
  const parts = [
    [podCertificate?.certificateChainPath, "chain"],
    [podCertificate?.keyPath, "key"],
    [podCertificate?.credentialBundlePath, "credential bundle"],
  ] as const;
  return parts.flatMap(([path, what]) => (path ? [{ path, source: `PodCertificate ${what}` }] : []));
}

function clashes(files: readonly File[]): readonly string[] {
  const all = files.map(({ path, source }) => ({ path: withoutTrailing(path, "/"), source }));
  return all.flatMap((file, index) =>
    all
      .slice(0, index)
      .filter((other) => file.path !== "" && overlap(file.path, other.path))
      .map((other) => `${shown(file)} with ${shown(other)}`),
  );
}

const overlap = (one: string, other: string) =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);

const shown = ({ path, source }: File) => `${JSON.stringify(path)}${source === "" ? "" : ` (${source})`}`;
