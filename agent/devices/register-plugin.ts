import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { StatusError } from "../../base/grpc/status.ts";
import { ifPresent } from "../../base/os/if-present.ts";
import type { Log } from "../../base/os/log.ts";
import { DevicePluginError, isExtendedResource } from "./device-list.ts";
import type { DeviceResources } from "./device-resources.ts";
import type { RegisterRequest } from "./messages.ts";

const version = "v1beta1";

export interface RegistrationParts {
  /** Plugins' sockets are in it, and in no other. */
  readonly folder: string;
  readonly resources: Pick<DeviceResources, "connect">;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Takes a plugin that says who it is. Rejects with StatusError, in the kubelet's words where it has any. */
export async function registerPlugin(request: RegisterRequest, parts: RegistrationParts): Promise<object> {
  try {
    await take(request, parts);
    return {};
  } catch (error) {
    if (!(error instanceof DevicePluginError)) throw error;
    const resource = request.resourceName.slice(0, 253);
    parts.log.warn("cannot register a device plugin", { resource, error });
    throw new StatusError("UNKNOWN", error.message);
  }
}

async function take(request: RegisterRequest, { folder, resources, signal }: RegistrationParts) {
  const { resourceName, endpoint } = request;
  if (request.version !== version)
    throw new DevicePluginError(
      `requested API version ${quoted(request.version)} is not supported by kubelet. Supported version is ["${version}"]`,
    );
  if (!isExtendedResource(resourceName))
    throw new DevicePluginError(`the ResourceName ${quoted(resourceName)} is invalid`);
  // What a plugin says may lead to no socket but one beside ours.
  const isName = endpoint !== "" && !endpoint.startsWith(".") && !/[/\0]/.test(endpoint);
  const socket = join(folder, isName ? endpoint : "-");
  if (!isName || !(await ifPresent(lstat(socket)))?.isSocket())
    throw new DevicePluginError(
      `failed to dial device plugin: ${quoted(endpoint)} is no socket in the folder of device plugins`,
    );
  await resources.connect(resourceName, socket, signal);
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 253));
