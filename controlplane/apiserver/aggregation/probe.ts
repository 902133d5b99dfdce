import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import { ask, jsonObject, type ProbeDeps, versionPath } from "./ask.ts";
import { remoteSwagger } from "./remote-swagger.ts";
import type { RemoteDocuments, RemoteVersion } from "./service-table.ts";

/** Asks a remote server whether it serves its group and version, and what. Everything is bounded: time, size and tries. */

const attemptsMax = 3;

export type Probe = { readonly problem: string } | { readonly documents: RemoteDocuments };

/** The first answer that is one counts.
 *  @param before What it said the last time. */
export async function probe(
  remote: RemoteVersion,
  { before, ...deps }: ProbeDeps & { readonly before: RemoteDocuments | undefined },
  signal: AbortSignal,
): Promise<Probe> {
  const path = versionPath(remote);
  let problem = "";
  for (let attempt = 0; attempt < attemptsMax && !signal.aborted; attempt++) {
    try {
      const { code, body } = await ask(remote, { path, accept: "application/json" }, deps, signal);
      if (code >= 200 && code < 300)
        return {
          documents: {
            resources: await resourcesOf(remote, body, deps, signal),
            openApiUrl: await openApiUrl(remote, deps, signal),
            swagger: await remoteSwagger(remote, before?.swagger, { deps, signal }),
          },
        };
      problem = `bad status from ${urlOf(remote, path)}: ${code}`;
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  return { problem: `failing or missing response from ${urlOf(remote, path)}: ${problem}` };
}

const urlOf = ({ service }: RemoteVersion, path: string) =>
  `https://${service.name}.${service.namespace}.svc:${service.port}${path}`;

const aggregatedAccept =
  "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/** The version's resources as aggregated discovery shows them: as the server does it itself, or made of its old list. */
async function resourcesOf(
  remote: RemoteVersion,
  list: string,
  deps: ProbeDeps,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const { group, version } = remote;
  const root = group === "" ? "/api" : "/apis";
  const whole = await ask(remote, { path: root, accept: aggregatedAccept }, deps, signal).catch(
    () => undefined,
  ); // it need not have it
  if (whole?.code === 200 && whole.type.includes("as=APIGroupDiscoveryList")) {
    const items = listOf(jsonObject(whole.body).items).filter(isObject);
    const own = items.find(({ metadata }) => stringOf(objectOf(metadata).name) === group);
    const found = listOf(own?.versions)
      .filter(isObject)
      .find((one) => one.version === version);
    if (found !== undefined) return listOf(found.resources).filter(isObject);
  }
  return fromResourceList(remote, jsonObject(list));
}

/** Pure. */
export function fromResourceList({ group, version }: RemoteVersion, list: JsonObject): readonly JsonObject[] {
  const rows = listOf(list.resources).filter(isObject);
  const isMain = ({ name }: JsonObject) => !stringOf(name).includes("/");
  const kindOf = (row: JsonObject) => ({
    group: stringOf(row.group) || group,
    version: stringOf(row.version) || version,
    kind: stringOf(row.kind),
  });
  return rows.filter(isMain).map((row) => {
    const prefix = `${stringOf(row.name)}/`;
    const subresources = rows
      .filter(({ name }) => stringOf(name).startsWith(prefix))
      .map((sub) => ({
        subresource: stringOf(sub.name).slice(prefix.length),
        responseKind: kindOf(sub),
        verbs: listOf(sub.verbs),
      }));
    return {
      resource: stringOf(row.name),
      responseKind: kindOf(row),
      scope: row.namespaced === true ? "Namespaced" : "Cluster",
      singularResource: stringOf(row.singularName),
      verbs: listOf(row.verbs),
      ...(listOf(row.shortNames).length > 0 && { shortNames: listOf(row.shortNames) }),
      ...(listOf(row.categories).length > 0 && { categories: listOf(row.categories) }),
      ...(subresources.length > 0 && { subresources }),
    };
  });
}

async function openApiUrl(
  remote: RemoteVersion,
  deps: ProbeDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const path = "/openapi/v3";
  const index = await ask(remote, { path, accept: "application/json" }, deps, signal).catch(() => undefined); // it need not have one
  if (index?.code !== 200) return undefined;
  const entry = objectOf(objectOf(jsonObject(index.body).paths)[versionPath(remote).slice(1)]);
  const url = stringOf(entry.serverRelativeURL);
  return url.startsWith("/openapi/v3/") ? url : undefined;
}
