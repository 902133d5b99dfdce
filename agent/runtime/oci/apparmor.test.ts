import { strict as assert } from "node:assert";
import { RuntimeError } from "../seam.ts";
import { appArmorProfileOf } from "./apparmor.ts";

describe("a container's AppArmor profile", () => {
  const loaded = "docker-default (enforce)\n/usr/bin/man (enforce)\nk8s deny write (complain)\n";

  it("is the one that the pod names, or the default that the host has loaded", () => {
    assert.equal(appArmorProfileOf({ type: "Unconfined" }, loaded), undefined);
    assert.equal(appArmorProfileOf({ type: "RuntimeDefault" }, loaded), "docker-default");
    const named = { type: "Localhost", profile: "k8s deny write" } as const;
    assert.equal(appArmorProfileOf(named, loaded), named.profile);
  });

  it("is refused by name when it is not loaded", () => {
    for (const profile of ["other", "docker", "docker-default (enforce)", ""])
      assert.throws(
        () => appArmorProfileOf({ type: "Localhost", profile }, loaded),
        new RuntimeError(`apparmor profile not found ${profile}`),
      );
    assert.throws(
      () => appArmorProfileOf({ type: "RuntimeDefault" }, ""),
      /the host has loaded none of cri-containerd/,
    );
    assert.throws(() => appArmorProfileOf({ type: "RuntimeDefault" }, undefined), /AppArmor is not enabled/);
  });
});
