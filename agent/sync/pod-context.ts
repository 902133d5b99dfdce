import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import type { Pod, Service } from "../../client/types.ts";
import type { PodAdmission } from "../admission/pod-admission.ts";
import type { CpuManager } from "../cpus/cpu-manager.ts";
import type { DeviceManager } from "../devices/device-manager.ts";
import type { ImageManager } from "../images/image-manager.ts";
import type { ImageStore } from "../images/store.ts";
import type { MemoryManager } from "../memory/memory-manager.ts";
import type { Prober } from "../probes/prober.ts";
import type { PodGroupLimits } from "../runtime/oci/pod-group.ts";
import type { Runtime } from "../runtime/seam.ts";
import type { UserRanges } from "../users/user-ranges.ts";
import type { PodVolumes } from "../volumes/pod-volumes.ts";
import type { FieldContext } from "./environment.ts";
import type { FollowedObjects } from "./followed-objects.ts";
import type { ClusterDns } from "./pod-dns.ts";
import type { StepTimes } from "./step-times.ts";
import type { TerminationCounter } from "./terminations.ts";
import type { NodeAbilities } from "./unsupported-fields.ts";

/** What all pod workers of a node share. */
export interface PodContext {
  readonly os: Os;
  readonly client: ApiClient;
  readonly runtime: Runtime;
  readonly images: Pick<ImageManager, "ensure" | "release">;
  /** For volumes: they are in the store, also where a container runtime has the images of its own. */
  readonly volumeImages: Pick<ImageManager, "ensure" | "release">;
  readonly imageStore: Pick<ImageStore, "lowerDirs" | "folderOf">;
  readonly volumes: Pick<
    PodVolumes,
    "podDir" | "list" | "clear" | "prepare" | "mountsOf" | "devicesOf" | "textOf" | "remove"
  >;
  readonly prober: Prober;
  /** Which pods the node takes; all, where absent. */
  readonly admission?: Pick<PodAdmission, "admit" | "resize" | "take" | "forget">;
  readonly events: Pick<EventRecorder, "record">;
  readonly sources: Pick<FollowedObjects, "configMap" | "secret" | "follow" | "forget">;
  readonly services: () => readonly Service[];
  /** How the API knows a pod, if it does: a static one by another. */
  readonly inApi: (pod: Pod) => Pod | undefined;
  /** Told of each pod's uid of which nothing is left here. */
  readonly ended: (uid: string) => void;
  /** `oci`, `process`, or a container runtime's name. */
  readonly scheme: string;
  readonly able: NodeAbilities;
  /** Which CPUs containers run on; undefined where all share all. */
  readonly cpus?: Pick<CpuManager, "cpusOf" | "hasExclusive"> | undefined;
  /** Which NUMA nodes containers have their memory of; undefined where that is any. */
  readonly memory?: Pick<MemoryManager, "numasOf"> | undefined;
  /** Users that are a pod's own; undefined where none can have any. */
  readonly users?: Pick<UserRanges, "take"> | undefined;
  /** What device plugins gave to containers. */
  readonly devices?: Pick<DeviceManager, "access" | "healthOf"> | undefined;
  /** Holds the containers of a pod to what they may take together; undefined where nothing does. */
  readonly podGroups?: PodGroupLimits | undefined;
  /** Whether the runtime makes mounts read-only with all that is mounted in them. */
  readonly recursiveReadOnly: boolean;
  /** Absent: nobody counts. */
  readonly stepTimes?: StepTimes;
  readonly terminations?: Pick<TerminationCounter, "inc">;
  readonly nodeIp: string;
  /** Of the other family. */
  readonly secondNodeIp?: string | undefined;
  readonly dns: ClusterDns;
  readonly allocatable: FieldContext["allocatable"];
  readonly nodeMemoryBytes: number;
  /** `<root>/logs`. */
  readonly logsDir: string;
}

/** `<logs>/<namespace>_<name>_<uid>/<container>`: files in it are named by attempt. */
export function logFolder(logsDir: string, pod: Pod, container: string): string {
  const { namespace, name, uid } = pod.metadata;
  return `${logsDir}/${namespace}_${name}_${uid}/${container}`;
}

export function fieldPathOf({ spec }: Pod, name: string): string {
  const sorts = ["initContainers", "ephemeralContainers"] as const;
  const sort = sorts.find((one) => (spec[one] ?? []).some((container) => container.name === name));
  return `spec.${sort ?? "containers"}{${name}}`;
}
