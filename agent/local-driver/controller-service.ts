import type { controllerCalls } from "../csi/controller-messages.ts";
import { entries } from "../csi/driver-requests.ts";
import type { InTurn } from "../images/in-turn.ts";
import { mountPoints } from "../volumes/sub-paths.ts";
import { DriverError, invalid } from "./driver-error.ts";
import type { LocalVolume, LocalVolumes } from "./local-volumes.ts";
import {
  checkId,
  checkName,
  checkTopology,
  checkUse,
  idOf,
  isOf,
  isWithin,
  refuseParameters,
  refuseSecrets,
  sizeOf,
  whyUnfit,
} from "./requests.ts";
import type { Handlers } from "./serve-calls.ts";
import { promisableBytes } from "./space.ts";

export interface DriverState {
  readonly volumes: LocalVolumes;
  readonly folder: string;
  readonly nodeName: string;
  /** Where volumes can be reached from: this node. */
  readonly segments: Readonly<Record<string, string>>;
  /** What is done to one volume is done one after the other. */
  readonly inTurn: InTurn;
}

/** Sizes are promised one after the other. */
export const promising = "promising";
const listMost = 1000;

export function found(volumes: LocalVolumes, id: string): LocalVolume {
  const volume = volumes.get(checkId(id));
  if (volume === undefined) throw new DriverError("NOT_FOUND", "there is no such volume on this node");
  return volume;
}

export async function mustFit(
  { folder, volumes }: Pick<DriverState, "folder" | "volumes">,
  moreBytes: number,
  status: "RESOURCE_EXHAUSTED" | "OUT_OF_RANGE",
): Promise<void> {
  const left = await promisableBytes(folder, volumes.list());
  if (moreBytes > left) throw new DriverError(status, `this node has ${left} bytes left for volumes`);
}

/** Makes and removes volumes of this node. */
export function controllerService(state: DriverState): Handlers<typeof controllerCalls> {
  const { volumes, folder, segments, inTurn } = state;
  const answer = ({ id, bytes }: Pick<LocalVolume, "id" | "bytes">) => ({
    volumeId: id,
    capacityBytes: bytes,
    accessibleTopology: [{ segments: entries(segments) }],
  });

  return {
    async CreateVolume(request) {
      const name = checkName(request.name);
      if (request.volumeCapabilities.length === 0) throw invalid("volume_capabilities are missing");
      for (const capability of request.volumeCapabilities) checkUse(capability);
      if (request.volumeContentSource !== undefined)
        throw invalid("volume_content_source is not supported: a folder that is written to has no one state");
      refuseParameters("parameter", request.parameters);
      refuseParameters("mutable parameter", request.mutableParameters);
      refuseSecrets(request.secrets);
      const size = sizeOf(request.capacityRange);
      checkTopology(request.accessibilityRequirements, segments);
      const id = idOf(name);
      return inTurn.run(promising, undefined, () =>
        inTurn.run(id, undefined, async () => {
          const before = volumes.get(id);
          if (before !== undefined && !isWithin(before.bytes, size))
            throw new DriverError("ALREADY_EXISTS", `the volume is there with ${before.bytes} bytes`);
          if (before === undefined) {
            await mustFit(state, size.bytes, "RESOURCE_EXHAUSTED");
            await volumes.put({ id, name, bytes: size.bytes, targets: [] });
          }
          return { volume: answer(before ?? { id, bytes: size.bytes }) };
        }),
      );
    },

    async DeleteVolume({ volumeId, secrets }) {
      checkId(volumeId);
      refuseSecrets(secrets);
      await inTurn.run(volumeId, undefined, async () => {
        const mounted = await mountPoints();
        const used = volumes.get(volumeId)?.targets.find(({ path }) => mounted.includes(path));
        if (used !== undefined)
          throw new DriverError("FAILED_PRECONDITION", `the volume is mounted at ${used.path}`);
        await volumes.remove(volumeId);
      });
      return {};
    },

    async ValidateVolumeCapabilities({ volumeId, volumeCapabilities, ...told }) {
      checkId(volumeId);
      if (volumeCapabilities.length === 0) throw invalid("volume_capabilities are missing");
      found(volumes, volumeId);
      const { volumeContext, parameters, mutableParameters } = told;
      const why = volumeCapabilities.map(whyUnfit).find((one) => one !== undefined);
      const isForeign = volumeContext.length + parameters.length + mutableParameters.length > 0;
      if (why !== undefined || isForeign)
        return { message: why ?? "the volume has no context and no parameters" };
      return { confirmed: { volumeCapabilities } };
    },

    async ListVolumes({ maxEntries, startingToken }) {
      if (maxEntries < 0) throw invalid("max_entries is negative");
      const all = volumes.list();
      const after = startingToken === "" ? -1 : all.findIndex(({ id }) => id === startingToken);
      if (startingToken !== "" && after < 0)
        throw new DriverError("ABORTED", "starting_token is of no list, or of one that has changed");
      const count = maxEntries === 0 ? listMost : Math.min(maxEntries, listMost);
      const page = all.slice(after + 1, after + 1 + count);
      const isLast = after + 1 + count >= all.length;
      return {
        entries: page.map((volume) => ({ volume: answer(volume) })),
        nextToken: isLast ? "" : (page.at(-1)?.id ?? ""),
      };
    },

    async GetCapacity({ volumeCapabilities, parameters, accessibleTopology }) {
      refuseParameters("parameter", parameters);
      const isElsewhere = accessibleTopology !== undefined && !isOf(accessibleTopology.segments, segments);
      const isUnfit = volumeCapabilities.some((one) => whyUnfit(one) !== undefined);
      return {
        availableCapacity: isElsewhere || isUnfit ? 0 : await promisableBytes(folder, volumes.list()),
      };
    },

    async ControllerGetCapabilities() {
      const types = [
        "CREATE_DELETE_VOLUME",
        "LIST_VOLUMES",
        "GET_CAPACITY",
        "SINGLE_NODE_MULTI_WRITER",
      ] as const;
      return { capabilities: types.map((type) => ({ rpc: { type } })) };
    },
  };
}
