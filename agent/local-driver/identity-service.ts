import type { Log } from "../../base/os/log.ts";
import type { identityCalls, registrationCalls } from "../csi/messages.ts";
import type { Handlers } from "./serve-calls.ts";

/** Who the driver is, and what it has. */
export const identityService = (driverName: string): Handlers<typeof identityCalls> => ({
  GetPluginInfo: async () => ({ name: driverName, vendorVersion: "1" }),
  GetPluginCapabilities: async () => ({
    capabilities: [
      { service: { type: "CONTROLLER_SERVICE" } },
      { service: { type: "VOLUME_ACCESSIBILITY_CONSTRAINTS" } },
      { volumeExpansion: { type: "ONLINE" } },
    ],
  }),
  Probe: async () => ({ ready: { value: true } }),
});

export interface RegistrationDeps {
  readonly driverName: string;
  /** The driver's socket, as the kubelet knows its path. */
  readonly endpoint: string;
  readonly log: Pick<Log, "info" | "warn">;
}

/** What kubelets ask plugins that register. */
export const registrationService = ({
  driverName,
  endpoint,
  log,
}: RegistrationDeps): Handlers<typeof registrationCalls> => ({
  GetInfo: async () => ({ type: "CSIPlugin", name: driverName, endpoint, supportedVersions: ["1.0.0"] }),
  async NotifyRegistrationStatus({ pluginRegistered, error }) {
    if (pluginRegistered) log.info("the node has registered the driver");
    else log.warn("the node did not register the driver", { error: error.slice(0, 1024) });
    return {};
  },
});
