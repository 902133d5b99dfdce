import { strict as assert } from "node:assert";
import type { Container, PodSpec, Volume } from "../../../client/types.ts";
import { defaultPod } from "./pod-defaults.ts";
import { validatePodSpec } from "./pod-validation.ts";

/** What is wrong with a pod of that spec, after defaulting. */
function problemsOf(spec: Partial<PodSpec>): readonly string[] {
  const whole: PodSpec = { containers: [{ name: "c", image: "i" }], ...structuredClone(spec) };
  defaultPod(whole);
  return validatePodSpec(whole, "spec").map(({ field, message }) => `${field}: ${message}`);
}
const withContainer = (container: Partial<Container>, more: Partial<PodSpec> = {}) => ({
  ...more,
  containers: [{ name: "c", image: "i", ...container }],
});
const emptyDir: Volume = { name: "v", emptyDir: {} };
const mounted = (
  mount: Partial<NonNullable<Container["volumeMounts"]>[number]>,
  more: Partial<Container> = {},
) =>
  withContainer(
    { volumeMounts: [{ name: "v", mountPath: "/v", ...mount }], ...more },
    { volumes: [emptyDir] },
  );
const fileKey = (ref: object, volumes: Volume[] = [emptyDir]) =>
  withContainer({ env: [{ name: "A", valueFrom: { fileKeyRef: ref as never } }] }, { volumes });
const device = (more: Partial<PodSpec> = {}) =>
  withContainer({ volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }, more);
const claim: Volume = { name: "v", persistentVolumeClaim: { claimName: "c" } };
const unmasked = { securityContext: { procMount: "Unmasked" } };
const c = "spec.containers[0]";
const windows = { os: { name: "windows" } };
const notWindows = "Forbidden: cannot be set for a windows pod";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** By what they are about: a spec, and its problems in Kubernetes' words. */
const cases: Readonly<Record<string, readonly (readonly [Partial<PodSpec>, ...string[]])[]>> = {
  "the operating system": [
    [{ os: { name: "linux" } }],
    [windows],
    [{ os: { name: "plan9" } }, 'spec.os: Unsupported value: "plan9": supported values: "linux", "windows"'],
    [{ os: {} as never }, "spec.os.name: Required value"],
    [
      { os: { name: "linux" }, securityContext: { windowsOptions: {} } },
      "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
    ],
    [
      withContainer(
        { securityContext: { windowsOptions: { runAsUserName: "x" } } },
        { os: { name: "linux" } },
      ),
      `${c}.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod`,
    ],
    [{ securityContext: { windowsOptions: { runAsUserName: "x" } } }],
    [
      { ...windows, hostPID: true, securityContext: { runAsUser: 1, sysctls: [], fsGroup: 2 } },
      `spec.hostPID: ${notWindows}`,
      `spec.securityContext.fsGroup: ${notWindows}`,
      `spec.securityContext.runAsUser: ${notWindows}`,
    ],
    [
      withContainer({ securityContext: { privileged: false, capabilities: {} } }, windows),
      `${c}.securityContext.capabilities: ${notWindows}`,
      `${c}.securityContext.privileged: ${notWindows}`,
    ],
    [
      { securityContext: { windowsOptions: { hostProcess: true } } },
      "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
    ],
  ],
  "policies of the security context": [
    [
      {
        securityContext: {
          fsGroupChangePolicy: "OnRootMismatch",
          supplementalGroupsPolicy: "Strict",
          seLinuxChangePolicy: "Recursive",
        },
      },
    ],
    [
      {
        securityContext: {
          fsGroupChangePolicy: "Foo",
          supplementalGroupsPolicy: "Foo",
          seLinuxChangePolicy: "MountOption",
        },
      },
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Foo": supported values: "Always", "OnRootMismatch"',
      'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "Foo": supported values: "Merge", "Strict"',
      'spec.securityContext.seLinuxChangePolicy: Unsupported value: "MountOption": supported values: "Recursive"',
    ],
    [withContainer(unmasked, { hostUsers: false })],
    [
      withContainer(unmasked),
      `${c}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
    ],
    [
      withContainer({ securityContext: { procMount: "Foo" } }),
      `${c}.securityContext.procMount: Unsupported value: "Foo": supported values: "Default", "Unmasked"`,
    ],
  ],
  "a host name of its own choice, and users of its own": [
    [{ hostnameOverride: "www.example.com" }],
    [{ hostnameOverride: "A_B" }, `spec.hostnameOverride: Invalid value: "A_B": ${subdomain}`],
    [{ hostnameOverride: "" }, `spec.hostnameOverride: Invalid value: "": ${subdomain}`],
    [{ hostnameOverride: "a".repeat(65) }, "spec.hostnameOverride: Too long: may not be more than 64 bytes"],
    [
      { hostnameOverride: "a", hostNetwork: true, setHostnameAsFQDN: true },
      "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
      "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
    ],
    [{ hostUsers: true, hostNetwork: true }],
    [
      { hostUsers: false, hostNetwork: true, hostPID: true, hostIPC: true },
      "spec.hostNetwork: Forbidden: when `hostUsers` is false",
      "spec.HostPID: Forbidden: when `hostUsers` is false",
      "spec.HostIPC: Forbidden: when `hostUsers` is false",
    ],
  ],
  "how volumes are mounted": [
    [mounted({ readOnly: true, recursiveReadOnly: "Enabled" })],
    [mounted({ recursiveReadOnly: "Disabled" })],
    [
      mounted({ recursiveReadOnly: "IfPossible", mountPropagation: "HostToContainer" }),
      `${c}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`,
      `${c}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified`,
    ],
    [
      mounted({ readOnly: true, recursiveReadOnly: "Foo" }),
      `${c}.volumeMounts.recursiveReadOnly: Unsupported value: "Foo": supported values: "Disabled", "Enabled", "IfPossible"`,
    ],
    [
      mounted({ mountPropagation: "Foo" }),
      `${c}.volumeMounts.mountPropagation: Unsupported value: "Foo": supported values: "Bidirectional", "HostToContainer", "None"`,
    ],
    [
      mounted({ mountPropagation: "Bidirectional" }),
      `${c}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ],
    [mounted({ mountPropagation: "Bidirectional" }, { securityContext: { privileged: true } })],
    [device({ volumes: [claim] })],
    [device(), `${c}.volumeDevices[0].name: Not found: "v"`],
    [
      device({ volumes: [emptyDir] }),
      `${c}.volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
    ],
  ],
  "how containers are resized": [
    [withContainer({ resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] })],
    [
      withContainer({ resizePolicy: [{ resourceName: "foo", restartPolicy: "Foo" }] }),
      `${c}.resizePolicy: Unsupported value: "foo": supported values: "cpu", "memory"`,
      `${c}.resizePolicy: Unsupported value: "Foo": supported values: "NotRequired", "RestartContainer"`,
    ],
    [
      withContainer({
        resizePolicy: ["NotRequired", "NotRequired"].map((restartPolicy) => ({
          resourceName: "cpu",
          restartPolicy,
        })),
      }),
      `${c}.resizePolicy[1]: Duplicate value: "cpu"`,
    ],
    [
      withContainer(
        { resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] },
        { restartPolicy: "Never" },
      ),
      `${c}.resizePolicy: Invalid value: "RestartContainer": must be 'NotRequired' when pod \`restartPolicy\` is 'Never'`,
    ],
  ],
  "variables from files": [
    [fileKey({ volumeName: "v", path: "p", key: "K" })],
    [
      fileKey({ volumeName: "v", path: "p", key: "K" }, []),
      `${c}.env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"`,
    ],
    [
      fileKey({ volumeName: "v", path: "../p", key: "" }, [{ name: "v", hostPath: { path: "/" } }]),
      `${c}.env[0].valueFrom.fileKeyRef.key: Required value`,
      `${c}.env[0].valueFrom.fileKeyRef.path: Invalid value: "../p": must not contain '..'`,
      `${c}.env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir`,
    ],
  ],
  "how long a hook sleeps": [
    [withContainer({ lifecycle: { preStop: { sleep: { seconds: 30 } } } })],
    [
      withContainer({
        lifecycle: { preStop: { sleep: { seconds: 31 } }, postStart: { sleep: { seconds: -1 } } },
      }),
      `${c}.lifecycle.postStart.sleep: Invalid value: -1: must be non-negative and less than terminationGracePeriodSeconds (30)`,
      `${c}.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`,
    ],
  ],
};

describe("a pod's fields may say only what Kubernetes knows:", () => {
  for (const [about, list] of Object.entries(cases))
    it(about, () => {
      for (const [spec, ...problems] of list)
        assert.deepEqual(problemsOf(spec), problems, JSON.stringify(spec));
    });
});
