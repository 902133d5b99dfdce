import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import type { RequestHeaderConfig } from "../authentication/request-header.ts";
import { type JsonObject, objectOf, stringsOf, toKubeObject } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import { sameJson } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";
import { certificateBundle } from "./certificate-bundle.ts";

/** By what other API servers know users and their front proxy: the ConfigMap kube-system/extension-apiserver-authentication. */

const place = { namespace: "kube-system", name: "extension-apiserver-authentication" };

/** Pure. */
export function authenticationData(
  clientAuthorityPem: string,
  proxy: RequestHeaderConfig | undefined,
): Readonly<Record<string, string>> {
  const list = (names: readonly string[]) => JSON.stringify(names);
  const title = (name: string) => name.replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  return {
    "client-ca-file": clientAuthorityPem,
    ...(proxy !== undefined && {
      "requestheader-allowed-names": list(proxy.allowedNames),
      "requestheader-client-ca-file": proxy.authorityPem,
      "requestheader-extra-headers-prefix": list(proxy.extraPrefixes.map(title)),
      "requestheader-group-headers": list(proxy.groupHeaders.map(title)),
      "requestheader-uid-headers": list(proxy.uidHeaders.map(title)),
      "requestheader-username-headers": list(proxy.usernameHeaders.map(title)),
    }),
  };
}

/** What several servers know: the certificates and the names of all of them. Pure. */
export function combinedData(
  known: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, string>>,
  nowMs: number,
): Readonly<Record<string, string>> {
  const combined = Object.entries(own).map(([name, text]) => {
    const both = [known[name], text].filter((one) => typeof one === "string");
    return [name, name.endsWith("-ca-file") ? certificateBundle(both, nowMs) : nameList(both)] as const;
  });
  return Object.fromEntries(combined);
}

function nameList(lists: readonly string[]): string {
  return JSON.stringify([...new Set(lists.flatMap(namesIn))]);
}

function namesIn(text: string): readonly string[] {
  try {
    return stringsOf(JSON.parse(text));
  } catch {
    return []; // whoever wrote it meant something else
  }
}

/** The ConfigMap says what this server was started with, and what others that serve the same cluster were. */
export async function keepAuthenticationConfig(
  deps: RegistryDeps,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const kind = deps.kinds.named("", "configmaps")?.kind;
  if (kind === undefined) return;
  const nowMs = deps.clock.wallMs();
  const object: JsonObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...place },
    data: { ...combinedData({}, data, nowMs) },
  };
  try {
    await createObject(deps, kind, toKubeObject(object), { dryRun: false, by: serverRequester });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "AlreadyExists") throw error;
    const change = (current: KubeObject): KubeObject => {
      const known = objectOf(current.data);
      const next = { ...known, ...combinedData(known, data, nowMs) };
      return sameJson(next, current.data) ? current : { ...current, data: next };
    };
    await updateObject(deps, kind, place, change, { dryRun: false, via: "server", by: serverRequester });
  }
}
