import { createHash } from "node:crypto";
import { join } from "node:path";

/** Where a node keeps what is of CSI drivers: as kubelets do, whose `/var/lib/kubelet` is our `--root-dir`. Pure. */

const plugin = "kubernetes.io/csi";
/** In a pod's own folders. */
const escapedPlugin = "kubernetes.io~csi";
export const recordName = "vol_data.json";

export class CsiPaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get registry(): string {
    return join(this.root, "plugins_registry");
  }

  /** Of all drivers' volumes that are staged. */
  get plugins(): string {
    return join(this.root, "plugins", plugin);
  }

  /** Where a volume is staged: `globalmount` in it, beside its record. */
  stage(driver: string, handle: string): string {
    return join(this.plugins, driver, createHash("sha256").update(handle).digest("hex"));
  }

  globalMount(driver: string, handle: string): string {
    return join(this.stage(driver, handle), "globalmount");
  }

  /** Of all of a pod's volumes with a file system. */
  podVolumes(uid: string): string {
    return join(this.root, "pods", uid, "volumes", escapedPlugin);
  }

  podMount(uid: string, name: string): string {
    return join(this.podVolumes(uid), name, "mount");
  }

  podRecord(uid: string, name: string): string {
    return join(this.podVolumes(uid), name, recordName);
  }

  /** Of all of a pod's volumes without one: a link for each. */
  podDevices(uid: string): string {
    return join(this.root, "pods", uid, "volumeDevices", escapedPlugin);
  }

  podDevice(uid: string, name: string): string {
    return join(this.podDevices(uid), name);
  }

  podDeviceRecord(uid: string, name: string): string {
    return join(this.podDevices(uid), `.${name}.json`);
  }

  get devices(): string {
    return join(this.plugins, "volumeDevices");
  }

  /** What the driver is told to publish to. */
  target(uid: string, name: string, isBlock: boolean): string {
    return isBlock ? this.devicePublish(name, uid) : this.podMount(uid, name);
  }

  deviceStage(name: string): string {
    return join(this.devices, "staging", name);
  }

  devicePublish(name: string, uid: string): string {
    return join(this.devices, "publish", name, uid);
  }

  /** Of a volume without a file system that is staged. */
  deviceRecord(name: string): string {
    return join(this.devices, name, "data", recordName);
  }
}
