import { lstat, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type * as grpc from "@grpc/grpc-js";
import { ServerCredentials } from "@grpc/grpc-js";
import { deferred } from "../../base/deferred.ts";
import { holdFile } from "../../base/os/hold-file.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import { makeFolder } from "../../base/os/make-folder.ts";
import type { Os, Running } from "../../base/os/os.ts";
import { controllerCalls } from "../csi/controller-messages.ts";
import { identityCalls, nodeCalls, registrationCalls } from "../csi/messages.ts";
import { InTurn } from "../images/in-turn.ts";
import { controllerService } from "./controller-service.ts";
import type { LocalDriverConfig } from "./flags.ts";
import { identityService, registrationService } from "./identity-service.ts";
import { LocalVolumes } from "./local-volumes.ts";
import { nodeService } from "./node-service.ts";
import { newServer, serveCalls } from "./serve-calls.ts";

/** Serves the driver at its socket, and, where that is asked for, registers it with the node's kubelet. */
export async function startLocalDriver(
  config: LocalDriverConfig,
  os: Pick<Os, "disk" | "log">,
): Promise<Running> {
  const { folder, socket, registration, nodeName, kubeletDir, driverName } = config;
  const { disk, log } = os;
  await makeFolder(folder, 0o711);
  const release = await holdFile(folder);
  const servers: grpc.Server[] = [];
  const stop = async () => {
    await Promise.all(servers.map(ended));
    await release();
  };
  try {
    const volumes = await LocalVolumes.open(disk, folder);
    const segments = { [`topology.${driverName}/node`]: nodeName };
    const state = { volumes, folder, nodeName, segments, kubeletDir, inTurn: new InTurn() };
    const server = newServer();
    servers.push(server);
    serveCalls(server, "csi.v1.Identity", {
      calls: identityCalls,
      handlers: identityService(driverName),
      log,
    });
    serveCalls(server, "csi.v1.Controller", {
      calls: controllerCalls,
      handlers: controllerService(state),
      log,
    });
    const { NodeStageVolume: _, NodeUnstageVolume: __, ...calls } = nodeCalls;
    serveCalls(server, "csi.v1.Node", { calls, handlers: nodeService(state), log });
    await listen(server, socket);
    log.info("serving the local-path driver", { driver: driverName, socket, folder });
    if (registration !== undefined) {
      const registrar = newServer();
      servers.push(registrar);
      const handlers = registrationService({ driverName, endpoint: registration.endpoint, log });
      serveCalls(registrar, "pluginregistration.Registration", { calls: registrationCalls, handlers, log });
      await listen(registrar, join(registration.folder, `${driverName}-reg.sock`));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const done = deferred<void>();
  return {
    done: done.promise,
    async stop() {
      await stop();
      done.resolve();
    },
  };
}

/** At a socket that is root's alone, in place of one that an earlier driver left: nobody else has the folder of volumes. */
async function listen(server: grpc.Server, socket: string): Promise<void> {
  await makeFolder(dirname(socket), 0o750);
  if ((await ifPresent(lstat(socket)))?.isSocket()) await rm(socket);
  const before = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  } finally {
    process.umask(before);
  }
}

/** What is asked already is answered; its socket goes with it. */
const ended = (server: grpc.Server) =>
  new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
