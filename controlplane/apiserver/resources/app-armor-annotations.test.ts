import assert from "node:assert/strict";
import type { Pod } from "../../../client/types.ts";
import {
  fillAppArmorProfiles,
  validateAppArmorAnnotations,
  validateAppArmorMatch,
} from "./app-armor-annotations.ts";

const prefix = "container.apparmor.security.beta.kubernetes.io/";
const type = (name: string, localhostProfile?: string) => ({
  type: name,
  ...(localhostProfile !== undefined && { localhostProfile }),
});
const pod = (annotation: string, own?: object, shared?: object, name = "c") =>
  ({
    metadata: { name: "x", annotations: { [prefix + name]: annotation } },
    spec: {
      ...(shared && { securityContext: { appArmorProfile: shared } }),
      containers: [{ name: "c", ...(own && { securityContext: { appArmorProfile: own } }) }],
    },
  }) as unknown as Pod;
const profileIn = (one: Pod) => {
  fillAppArmorProfiles(one);
  return one.spec.containers[0]?.securityContext?.appArmorProfile;
};
const texts = (problems: readonly { readonly field: string; readonly message: string }[]) =>
  problems.map(({ field, message }) => `${field}: ${message}`);

describe("AppArmor profiles in annotations", () => {
  it("become the container's field, where it has none and the pod says another", () => {
    assert.deepEqual(profileIn(pod("runtime/default")), type("RuntimeDefault"));
    assert.deepEqual(profileIn(pod("unconfined")), type("Unconfined"));
    assert.deepEqual(profileIn(pod("localhost/mine")), type("Localhost", "mine"));
    for (const nothing of ["localhost/", "localhost/ padded", "other", ""])
      assert.equal(profileIn(pod(nothing)), undefined);
    assert.deepEqual(profileIn(pod("unconfined", type("RuntimeDefault"))), type("RuntimeDefault"));
    assert.equal(profileIn(pod("runtime/default", undefined, type("RuntimeDefault"))), undefined);
  });

  it("must be profiles of containers that are there", () => {
    const said = ({ metadata, spec }: Pod) =>
      texts(validateAppArmorAnnotations(metadata.annotations ?? {}, spec, "metadata.annotations"));
    assert.deepEqual(said(pod("foo", undefined, undefined, "d")), [
      `metadata.annotations[${prefix}d]: Invalid value: "d": container not found`,
      `metadata.annotations[${prefix}d]: Invalid value: "foo": invalid AppArmor profile name: "foo"`,
    ]);
    assert.deepEqual(said(pod("localhost/mine")), []);
  });

  it("must say what the field says", () => {
    const at = "spec.containers[0].securityContext.appArmorProfile";
    const said = (...of: Parameters<typeof pod>) => {
      const { metadata, spec } = pod(...of);
      return texts(validateAppArmorMatch(metadata.annotations, spec, "spec"));
    };
    assert.deepEqual(said("localhost/mine", type("Localhost", "other")), [
      `${at}.localhostProfile: Forbidden: apparmor profile in annotation and field must match`,
    ]);
    const differs = [`${at}.type: Forbidden: apparmor type in annotation and field must match`];
    assert.deepEqual(said("unconfined", type("RuntimeDefault")), differs);
    assert.deepEqual(said("unconfined", undefined, type("RuntimeDefault")), differs);
    assert.deepEqual(said("localhost/mine", type("Localhost", "mine")), []);
  });
});
