import { ApiError } from "../../client/api-error.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import type { ControllerClient } from "./controller.ts";

/** A kind as the server serves it, with what may be done to it. */
export interface ServedResource extends Resource<KubeObject> {
  readonly verbs: readonly string[];
}

export interface Discovery {
  readonly resources: readonly ServedResource[];
  /** Group versions that did not answer (an aggregated server is away), each with why. */
  readonly failures: readonly { readonly groupVersion: string; readonly message: string }[];
}

interface GroupList {
  readonly groups?: readonly {
    readonly versions?: readonly { readonly groupVersion: string }[];
    readonly preferredVersion?: { readonly groupVersion: string };
  }[];
}
interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs?: readonly string[];
  }[];
}

/** Every kind in its group's preferred version, without subresources. Rejects when the server does not answer; a group
 *  that fails is listed as a failure. */
export async function discover(
  client: Pick<ControllerClient, "raw">,
  signal: AbortSignal,
): Promise<Discovery> {
  const groups = JSON.parse(await client.raw("GET", "/apis", undefined, { signal })) as GroupList;
  const preferred = (groups.groups ?? []).flatMap(({ preferredVersion, versions }) => {
    const chosen = preferredVersion ?? versions?.[0];
    return chosen === undefined ? [] : [chosen.groupVersion];
  });
  const found: ServedResource[] = [];
  const failures: { groupVersion: string; message: string }[] = [];
  for (const groupVersion of ["v1", ...preferred]) {
    try {
      found.push(...(await resourcesOf(client, groupVersion, signal)));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures.push({ groupVersion, message: error.message });
    }
  }
  return { resources: found, failures };
}

async function resourcesOf(
  client: Pick<ControllerClient, "raw">,
  groupVersion: string,
  signal: AbortSignal,
): Promise<readonly ServedResource[]> {
  const [group = "", version = groupVersion] = groupVersion.includes("/")
    ? groupVersion.split("/")
    : ["", groupVersion];
  const path = group === "" ? `/api/${version}` : `/apis/${groupVersion}`;
  const list = JSON.parse(await client.raw("GET", path, undefined, { signal })) as ResourceList;
  return (list.resources ?? [])
    .filter(({ name }) => !name.includes("/"))
    .map(({ name, kind, namespaced, verbs }) => ({
      group,
      version,
      kind,
      plural: name,
      namespaced,
      verbs: verbs ?? [],
    }));
}
