import type { DeviceClass, ResourceClaim, ResourceSlice } from "../../../client/types.ts";

/** Objects of devices for tests, with only what a test is about. */

const meta = (name: string, namespace?: string) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...(namespace !== undefined && { namespace }),
});

export const driver = "gpu.acme.io";

/** @param place Where its devices are; all nodes otherwise. */
export function sketchSlice(
  name: string,
  devices: readonly object[],
  place: object = { allNodes: true },
  more: object = {},
): ResourceSlice {
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceSlice",
    metadata: meta(name),
    spec: { driver, pool: { name, generation: 1, resourceSliceCount: 1 }, devices, ...place, ...more },
  } as never;
}

export function sketchClass(name = "gpu", spec: object = {}): DeviceClass {
  return { apiVersion: "resource.k8s.io/v1", kind: "DeviceClass", metadata: meta(name), spec } as never;
}

export function sketchClaim(
  name: string,
  requests: readonly object[],
  more: { readonly spec?: object; readonly status?: object } = {},
): ResourceClaim {
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: meta(name, "n"),
    spec: { devices: { requests, ...more.spec } },
    ...(more.status !== undefined && { status: more.status }),
  } as never;
}

export const asks = (name: string, exactly: object = {}) => ({
  name,
  exactly: { deviceClassName: "gpu", ...exactly },
});
