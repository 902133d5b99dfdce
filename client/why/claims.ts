import { resources } from "../resources.ts";
import { isDefaultStorageClass } from "../rules/default-storage-class.ts";
import { localPath, localPathNode } from "../rules/local-path.ts";
import { volumeClaims } from "../rules/volume-claims.ts";
import type { PersistentVolumeClaim, Pod } from "../types.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Finding, finding, leadsTo, stands, told, wordsOf } from "./finding.ts";
import { isReadyNode, whyNotReady } from "./nodes.ts";

/** What of a pod's claims keeps it waiting. */
export function claimsOfPod(pod: Pod, facts: Facts): readonly Finding[] {
  const { namespace } = pod.metadata;
  return volumeClaims(pod).flatMap(({ name }) => {
    const claim = facts.find(resources.persistentvolumeclaims, { name, namespace });
    if (claim === undefined) return [];
    if (claim === null)
      return [
        finding(
          "claim-missing",
          { kind: "PersistentVolumeClaim", metadata: { name, namespace } },
          `its claim ${name} does not exist`,
          {
            evidence: [stands(pod, "spec.volumes", `persistentVolumeClaim ${name}`)],
            change: [`a PersistentVolumeClaim ${name} in namespace ${namespace}, or another claimName`],
            next: [`kubectl get persistentvolumeclaims -n ${namespace}`],
          },
        ),
      ];
    return explainClaim(claim, facts)
      .filter(({ severity }) => severity === "error")
      .map((found) => leadsTo(`its claim ${name}`, found));
  });
}

/** Why a claim has no volume, or none that can be had. */
export function explainClaim(claim: PersistentVolumeClaim, facts: Facts): readonly Finding[] {
  const next = [`kubectl describe ${wordsOf(claim)}`];
  const { phase } = claim.status ?? {};
  if (phase === "Bound") return homeFindings(claim, facts);
  if (phase === "Lost")
    return [
      finding("claim-lost", claim, `the volume ${claim.spec?.volumeName} is gone`, {
        evidence: [stands(claim, "status.phase", phase)],
        change: ["a new claim; what was on the volume is lost with it"],
        next,
      }),
    ];
  const events = facts.events(claim);
  const failed = latestEvent(events, "ProvisioningFailed", "FailedBinding");
  const evidence = failed === undefined ? [] : [told(failed)];
  const name = claim.spec?.storageClassName;
  if (!name) {
    const classes = facts.list(resources.storageclasses) ?? [];
    const hasDefault = classes.some(isDefaultStorageClass);
    const isManual = name === "";
    return [
      finding(
        "claim-no-class",
        claim,
        `it names no storage class${isManual || hasDefault ? "" : ", there is no default one"}, and no volume made by hand fits it`,
        {
          evidence: [stands(claim, "spec.storageClassName", name ?? "(none)"), ...evidence],
          change: ["a storageClassName, a default class, or a PersistentVolume that fits"],
          next: ["kubectl get storageclasses", "kubectl get persistentvolumes", ...next],
        },
      ),
    ];
  }
  const storageClass = facts.find(resources.storageclasses, { name });
  if (storageClass === null)
    return [
      finding("claim-class-missing", claim, `it asks for the storage class ${name}, which does not exist`, {
        evidence: [stands(claim, "spec.storageClassName", name), ...evidence],
        change: [`a StorageClass ${name}, or another spec.storageClassName (the claim has to be made anew)`],
        next: ["kubectl get storageclasses", ...next],
      }),
    ];
  if (storageClass === undefined) return [];
  const { provisioner } = storageClass;
  const late = storageClass.volumeBindingMode === "WaitForFirstConsumer";
  const chosen = claim.metadata.annotations?.["volume.kubernetes.io/selected-node"];
  if (failed !== undefined && failed.reason === "ProvisioningFailed")
    return [
      finding(
        "claim-provisioning",
        claim,
        `${provisioner} cannot make a volume for it: ${failed.message ?? ""}`,
        {
          evidence,
          change: ["what the provisioner says"],
          next,
        },
      ),
    ];
  if (late && chosen === undefined)
    return [
      finding("claim-waits", claim, "it waits for a pod that uses it, as its storage class says", {
        evidence: [stands(storageClass, "volumeBindingMode", "WaitForFirstConsumer")],
        change: ["a pod that uses it is scheduled"],
        next: [`kubectl get pods -n ${claim.metadata.namespace}`, ...next],
      }),
    ];
  if (provisioner === "kubernetes.io/no-provisioner")
    return [
      finding(
        "claim-no-class",
        claim,
        `the storage class ${name} makes no volumes, and none made by hand fits it`,
        {
          evidence: [stands(storageClass, "provisioner", provisioner), ...evidence],
          change: [`a PersistentVolume of the class ${name} that is large enough`],
          next: ["kubectl get persistentvolumes", ...next],
        },
      ),
    ];
  const driver =
    provisioner === localPath.provisioner
      ? undefined
      : facts.find(resources.csidrivers, { name: provisioner });
  if (driver === null)
    return [
      finding(
        "claim-no-provisioner",
        claim,
        `nobody provisions volumes of its storage class: there is no driver ${provisioner}`,
        {
          evidence: [stands(storageClass, "provisioner", provisioner), ...evidence],
          change: [`the driver ${provisioner} is installed and runs, or another storage class`],
          next: ["kubectl get csidrivers", ...next],
        },
      ),
    ];
  return [
    finding("claim-provisioning", claim, `it waits for a volume of ${provisioner}`, {
      evidence,
      change: [`the provisioner ${provisioner} runs and makes one`],
      next,
      severity: "warning",
    }),
  ];
}

/** A volume that is a folder of a node can be had as long as that node can. */
function homeFindings(claim: PersistentVolumeClaim, facts: Facts): readonly Finding[] {
  const { volumeName } = claim.spec ?? {};
  if (!volumeName || facts.isWide) return [];
  const volume = facts.find(resources.persistentvolumes, { name: volumeName });
  const home = volume ? localPathNode(volume) : undefined;
  if (home === undefined) return [];
  const node = facts.find(resources.nodes, { name: home });
  if (node === undefined || isReadyNode(node)) return [];
  if (node !== null)
    return [
      finding("volume-home", node, `its data is on node ${home}, which is not ready`, {
        evidence: [whyNotReady(node)],
        change: ["the node's agent runs and reaches the API"],
        next: [`kubectl describe node ${home}`],
      }),
    ];
  return [
    finding("volume-home", claim, `its data was on node ${home}, which does not exist (any more)`, {
      evidence: volume ? [stands(volume, "spec.nodeAffinity", home)] : [],
      change: [`a node ${home} with its old disk, or a new claim without the data`],
      next: [
        `kubectl delete pvc ${claim.metadata.name} -n ${claim.metadata.namespace} --wait=false    # gives the data up; it goes once no pod uses it: delete that, too`,
      ],
    }),
  ];
}
