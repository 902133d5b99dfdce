import { strict as assert } from "node:assert";
import { validatePodSpec } from "./pod-validation.ts";

const problemsOf = (own: object, shared: object = {}) => {
  const container = {
    name: "c",
    image: "i",
    imagePullPolicy: "Always",
    terminationMessagePolicy: "File",
    securityContext: own,
  };
  const spec = {
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    securityContext: shared,
    containers: [container],
  };
  return validatePodSpec(spec as never, "spec").map(({ field, message }) => `${field}: ${message}`);
};
const own = "spec.containers[0].securityContext";

describe("validation of security contexts", () => {
  it("refuses seccomp profiles that name no file of the node's folder", () => {
    const at = `${own}.seccompProfile`;
    const of = (seccompProfile: object) => problemsOf({ seccompProfile });
    assert.deepEqual(of({ type: "Localhost" }), [
      `${at}.localhostProfile: Required value: must be set when seccomp type is Localhost`,
    ]);
    assert.deepEqual(of({ type: "Localhost", localhostProfile: "/a/../b" }), [
      `${at}.localhostProfile: Invalid value: "/a/../b": must be a relative path`,
      `${at}.localhostProfile: Invalid value: "/a/../b": must not contain '..'`,
    ]);
    assert.deepEqual(of({ type: "RuntimeDefault", localhostProfile: "a" }), [
      `${at}.localhostProfile: Invalid value: {"Type":"RuntimeDefault","LocalhostProfile":"a"}: can only be set when seccomp type is Localhost`,
    ]);
    assert.deepEqual(of({ type: "X" }), [
      `${at}.type: Unsupported value: "X": supported values: "Localhost", "RuntimeDefault", "Unconfined"`,
    ]);
    assert.deepEqual(of({ type: "" }), [
      `${at}.type: Required value: type is required when seccompProfile is set`,
    ]);
    for (const profile of [{ type: "RuntimeDefault" }, { type: "Localhost", localhostProfile: "a/..b.json" }])
      assert.deepEqual(of(profile), []);
    assert.deepEqual(problemsOf({}, { seccompProfile: { type: "Localhost" } }), [
      "spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
    ]);
  });

  it("refuses AppArmor profiles without a name, or with one that is not asked for", () => {
    const at = `${own}.appArmorProfile`;
    const of = (appArmorProfile: object) => problemsOf({ appArmorProfile });
    const missing = `${at}.localhostProfile: Required value: must be set when AppArmor type is Localhost`;
    assert.deepEqual(of({ type: "Localhost" }), [missing]);
    assert.deepEqual(of({ type: "Localhost", localhostProfile: "" }), [missing]);
    assert.deepEqual(of({ type: "Localhost", localhostProfile: " a" }), [
      `${at}.localhostProfile: Invalid value: " a": must not be padded with whitespace`,
    ]);
    assert.deepEqual(of({ type: "RuntimeDefault", localhostProfile: "a" }), [
      `${at}.localhostProfile: Invalid value: "a": can only be set when AppArmor type is Localhost`,
    ]);
    assert.deepEqual(of({}), [`${at}.type: Required value: type is required when appArmorProfile is set`]);
    assert.deepEqual(of({ type: "Localhost", localhostProfile: "a b" }), []);
  });

  it("refuses users and groups that no kernel has, and privileges that may not rise but are all there", () => {
    const range = "must be between 0 and 2147483647, inclusive";
    assert.deepEqual(problemsOf({ runAsUser: -1, runAsGroup: 2 ** 31 }), [
      `${own}.runAsUser: Invalid value: -1: ${range}`,
      `${own}.runAsGroup: Invalid value: 2147483648: ${range}`,
    ]);
    assert.deepEqual(problemsOf({}, { runAsUser: -1, fsGroup: -3, supplementalGroups: [1, -4] }), [
      `spec.securityContext.fsGroup: Invalid value: -3: ${range}`,
      `spec.securityContext.runAsUser: Invalid value: -1: ${range}`,
      `spec.securityContext.supplementalGroups[1]: Invalid value: -4: ${range}`,
    ]);
    const unset = '"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,';
    const rest = '"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,';
    const end = `${unset}${rest}"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}`;
    const cannot = "cannot set `allowPrivilegeEscalation` to false and";
    assert.deepEqual(problemsOf({ allowPrivilegeEscalation: false, privileged: true }), [
      `${own}: Invalid value: {"Capabilities":null,"Privileged":true,${end}: ${cannot} \`privileged\` to true`,
    ]);
    const capabilities = { add: ["CAP_SYS_ADMIN"] };
    assert.deepEqual(problemsOf({ allowPrivilegeEscalation: false, capabilities }), [
      `${own}: Invalid value: {"Capabilities":{"Add":["CAP_SYS_ADMIN"],"Drop":null},"Privileged":null,${end}: ${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`,
    ]);
  });
});
