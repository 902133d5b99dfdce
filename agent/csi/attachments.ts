import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import { attachmentName, type CsiVolume, uniqueName } from "../../client/rules/csi-volume-names.ts";
import { ConfigError } from "../sync/environment.ts";

const waitMsMost = 60_000;
const pollMs = 500;

export interface AttachmentsDeps {
  readonly client: Pick<ApiClient, "get" | "patch">;
  readonly os: Pick<Os, "clock" | "log">;
  readonly nodeName: string;
}

/** What a node and the attach/detach controller tell each other of volumes. A volume is said to be in use before it is mounted,
 *  and the controller's word that it may be is read after that: so it is never taken away in between. */
export class Attachments {
  readonly #deps: AttachmentsDeps;
  /** Who holds each volume that is in use. */
  readonly #holders = new Map<string, Set<string>>();

  constructor(deps: AttachmentsDeps) {
    this.#deps = deps;
  }

  /** `status.volumesInUse` of this node. */
  get inUse(): readonly string[] {
    return [...this.#holders.keys()].sort();
  }

  /** As at the start, when a node's status has still to be sent. Answers whether anything changed. */
  hold(volume: CsiVolume, holder: string): boolean {
    const name = uniqueName(volume);
    const holders = this.#holders.get(name);
    if (holders === undefined) this.#holders.set(name, new Set([holder]));
    else holders.add(holder);
    return holders === undefined;
  }

  /** The next status tells it, where the API cannot be told now: nothing is lost by that. */
  async release(volume: CsiVolume, holder: string, signal: AbortSignal): Promise<void> {
    const holders = this.#holders.get(uniqueName(volume));
    if (!holders?.delete(holder) || holders.size > 0) return;
    this.#holders.delete(uniqueName(volume));
    await this.#tell(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#deps.os.log.warn("cannot tell that a volume is not in use any more", { error });
    });
  }

  /** Waits until the volume is attached. Answers what its attacher says of it, for the driver. Rejects with ConfigError. */
  async attached(
    volume: CsiVolume,
    holder: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const { client, os, nodeName } = this.#deps;
    const name = uniqueName(volume);
    const untilMs = os.clock.monotonicMs() + waitMsMost;
    this.hold(volume, holder);
    for (let node = await this.#tell(signal); ; ) {
      let why = "the controller has not reported it as attached";
      if (node.status?.volumesAttached?.some((one) => one.name === name)) {
        const ref = { name: attachmentName(volume, nodeName) };
        const found = await orAbsent(client.get(resources.volumeattachments, ref, { signal }));
        if (found?.status?.attached === true && found.metadata.deletionTimestamp === undefined)
          return found.status.attachmentMetadata ?? {};
        why = found?.status?.attachError?.message ?? `volume attachment ${ref.name} is not attached`;
      }
      if (os.clock.monotonicMs() >= untilMs)
        throw new ConfigError(
          `timed out waiting for volume ${JSON.stringify(volume.handle)} to be attached: ${why}`,
        );
      await sleep(os.clock, pollMs, signal);
      node = await client.get(resources.nodes, { name: nodeName }, { signal });
    }
  }

  #tell(signal: AbortSignal) {
    const { client, nodeName } = this.#deps;
    return client.patch(
      resources.nodes,
      { name: nodeName },
      { status: { volumesInUse: this.inUse } },
      { type: "merge", subresource: "status", signal },
    );
  }
}
