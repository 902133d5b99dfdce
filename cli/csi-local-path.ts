import { localDriverConfig, localDriverFlags } from "../agent/local-driver/flags.ts";
import { startLocalDriver } from "../agent/local-driver/start-local-driver.ts";
import { OperatorError } from "./command.ts";
import { componentCommand } from "./run-component.ts";

export const csiLocalPathCommand = componentCommand({
  name: "csi local-path",
  summary: "serve volumes that are folders of this node as a CSI driver, for any cluster",
  flags: localDriverFlags,
  examples: [
    "pintle csi local-path --endpoint unix:///csi/csi.sock --node-name node-1",
    "pintle csi local-path --endpoint unix:///run/local-path.sock --node-name node-1 --registration-dir /var/lib/kubelet/plugins_registry",
  ],
  async start(flags, os) {
    const config = localDriverConfig(flags);
    if (process.getuid?.() !== 0) throw new OperatorError("only root can mount volumes; run it as root");
    return startLocalDriver(config, os);
  },
});
