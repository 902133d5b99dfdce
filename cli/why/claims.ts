import { type ClaimFact, inNamespace, latestEvent, type PodFacts } from "./facts.ts";
import { type Finding, finding } from "./finding.ts";
import { isReadyNode, whyNotReady } from "./node-readiness.ts";

/** What of a pod's claims keeps it waiting. */
export function claimFindings({ pod, claims }: PodFacts): readonly Finding[] {
  return claims.flatMap((fact) => claimFinding(fact, inNamespace(pod)) ?? []);
}

/** Why a claim has no volume, or none that can be had; undefined: all is well, or it waits for a pod as it should. */
export function claimFinding(fact: ClaimFact, where: string): Finding | undefined {
  const { name, claim, storageClass, events } = fact;
  if (claim === undefined)
    return finding(`its claim ${name} does not exist`, {
      next: [`kubectl get persistentvolumeclaims ${where}`],
    });
  if (claim.metadata.deletionTimestamp !== undefined)
    return finding(`its claim ${name} is being deleted`, { next: [`kubectl describe pvc ${name} ${where}`] });
  const { phase } = claim.status ?? {};
  if (phase === "Bound") return homeFinding(fact, where);
  if (phase === "Lost")
    return finding(`the volume of its claim ${name} is gone`, {
      change: ["a new claim; what was on the volume is lost with it"],
    });
  const className = claim.spec?.storageClassName;
  const failed = latestEvent(events, "ProvisioningFailed", "FailedBinding");
  const because = failed?.message === undefined ? [] : [failed.message];
  const next = [`kubectl describe pvc ${name} ${where}`];
  if (className && storageClass === undefined)
    return finding(`its claim ${name} asks for the class ${className}, which does not exist`, {
      because,
      change: [`a StorageClass ${className}, or a volume of that class made by hand`],
      next: ["kubectl get storageclasses", ...next],
    });
  if (!className)
    return finding(`its claim ${name} names no class: only a volume made by hand can be bound to it`, {
      because,
      next: ["kubectl get persistentvolumes", ...next],
    });
  if (storageClass?.volumeBindingMode === "WaitForFirstConsumer" && failed === undefined) return undefined;
  return finding(`its claim ${name} waits for a volume of ${storageClass?.provisioner ?? className}`, {
    because,
    change: [`the provisioner ${storageClass?.provisioner ?? ""} runs and makes one`],
    next,
  });
}

/** A volume that is a folder of a node can be had as long as that node can. */
function homeFinding({ name, home }: ClaimFact, where: string): Finding | undefined {
  if (home === undefined || isReadyNode(home.node)) return undefined;
  if (home.node !== undefined)
    return finding(`the data of its claim ${name} is on node ${home.name}, which is not ready`, {
      because: [whyNotReady(home.node)],
      change: ["the node's agent runs and reaches the API"],
      next: [`kubectl describe node ${home.name}`],
    });
  return finding(`the data of its claim ${name} was on node ${home.name}, which does not exist (any more)`, {
    change: [`a node ${home.name} with its old disk, or a new claim without the data`],
    next: [
      `kubectl delete pvc ${name} ${where} --wait=false    # gives the data up; it goes once no pod uses it: delete that, too`,
    ],
  });
}
