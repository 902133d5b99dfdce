import { claimOfVolume } from "../../../client/rules/volume-claims.ts";
import type { CSIDriver, PersistentVolume, Pod, Volume } from "../../../client/types.ts";
import { type LookupDeps, storedObject } from "./stored-lookup.ts";

/** Does the pod ask for a token for this audience ("": the API's own), be it in a projected volume or by a CSI driver of its
 *  volumes? `problems` says what could not be found out: a name that leads nowhere. */
export async function podAsksFor(
  deps: LookupDeps,
  { metadata, spec }: Pod,
  audience: string,
): Promise<{ readonly asks: boolean; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  for (const volume of spec.volumes ?? []) {
    if (projects(volume, audience)) return { asks: true, problems };
    const driver = await driverOf(deps, volume, metadata);
    const found = "driver" in driver ? await driverAsksFor(deps, driver.driver, audience) : driver;
    if ("problem" in found) problems.push(found.problem);
    else if (found.asks) return { asks: true, problems };
  }
  return { asks: false, problems };
}

interface Problem {
  readonly problem: string;
}
const notThere = (resource: string, name: string): Problem => ({
  problem: `${resource} ${JSON.stringify(name)} not found`,
});

function projects({ projected }: Volume, audience: string): boolean {
  return (projected?.sources ?? []).some(
    ({ serviceAccountToken: token }) => token !== undefined && (token.audience ?? "") === audience,
  );
}

/** "": the volume is no CSI driver's. */
async function driverOf(
  deps: LookupDeps,
  volume: Volume,
  { namespace = "", name }: Pod["metadata"],
): Promise<{ readonly driver: string } | Problem> {
  const claim = claimOfVolume(name, volume);
  if (claim !== undefined) return driverOfClaim(deps, namespace, claim.name);
  return { driver: volume.csi?.driver ?? inTreeDriver(volume) };
}

async function driverOfClaim(
  deps: LookupDeps,
  namespace: string,
  name: string,
): Promise<{ readonly driver: string } | Problem> {
  const claim = await storedObject(deps, { group: "", plural: "persistentvolumeclaims", namespace, name });
  if (claim === undefined) return notThere("persistentvolumeclaim", name);
  const { volumeName = "" } = claim.spec as { readonly volumeName?: string };
  const found = await storedObject(deps, {
    group: "",
    plural: "persistentvolumes",
    namespace: "",
    name: volumeName,
  });
  if (found === undefined) return notThere("persistentvolume", volumeName);
  const { spec } = found as PersistentVolume;
  return { driver: spec.csi?.driver ?? inTreeDriver(spec) };
}

async function driverAsksFor(
  deps: LookupDeps,
  name: string,
  audience: string,
): Promise<{ readonly asks: boolean } | Problem> {
  if (name === "") return { asks: false };
  const found = await storedObject(deps, {
    group: "storage.k8s.io",
    plural: "csidrivers",
    namespace: "",
    name,
  });
  if (found === undefined) return notThere("csidriver.storage.k8s.io", name);
  const { tokenRequests = [] } = (found as CSIDriver).spec;
  return { asks: tokenRequests.some((one) => one.audience === audience) };
}

/** Sources from before CSI, which a driver serves now. */
const driversOfSources = {
  awsElasticBlockStore: "ebs.csi.aws.com",
  azureDisk: "disk.csi.azure.com",
  azureFile: "file.csi.azure.com",
  cinder: "cinder.csi.openstack.org",
  gcePersistentDisk: "pd.csi.storage.gke.io",
  portworxVolume: "pxd.portworx.com",
  vsphereVolume: "csi.vsphere.vmware.com",
} as const;

function inTreeDriver(source: { readonly [K in keyof typeof driversOfSources]?: unknown }): string {
  for (const [name, driver] of Object.entries(driversOfSources))
    if (source[name as keyof typeof driversOfSources] !== undefined) return driver;
  return "";
}
