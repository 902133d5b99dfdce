import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import { containerUser } from "./container-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:50:Web:/:/bin/sh\nodd line\n";
const group = "root:x:0:\nweb:x:50:web\nlogs:x:60:other,web\nadm:x:4:root\n";

const userOf = (user: string, shared: object = {}, own: object = {}) =>
  containerUser(
    { metadata: { name: "p", namespace: "d", uid: "u" }, spec: { securityContext: shared } } as Pod,
    { name: "c", securityContext: own } as Container,
    { user, passwd, group },
  );

describe("the user of a container", () => {
  it("is the image's, by name or number, with the group of its account or the one it names", () => {
    assert.deepEqual(userOf("web"), { uid: 1000, gid: 50, groups: [50, 60] });
    assert.deepEqual(userOf("1000"), { uid: 1000, gid: 50, groups: [50, 60] });
    assert.deepEqual(userOf("web:logs"), { uid: 1000, gid: 60, groups: [60] });
    assert.deepEqual(userOf("77"), { uid: 77, gid: 0, groups: [0] });
    assert.deepEqual(userOf(""), { uid: 0, gid: 0, groups: [0, 4] });
  });

  it("is the container's before the pod's, and then has nothing of the image's user", () => {
    assert.deepEqual(userOf("web:logs", { runAsUser: 77 }), { uid: 77, gid: 0, groups: [0] });
    assert.deepEqual(userOf("", { runAsUser: 77, runAsGroup: 7 }, { runAsUser: 1000 }), {
      uid: 1000,
      gid: 7,
      groups: [7, 60],
    });
    assert.equal(userOf("", { runAsUser: 1000 }).gid, 50);
  });

  it("is in the image's groups too where supplementalGroupsPolicy is Merge or absent, and only in the pod's where Strict", () => {
    const asked = { supplementalGroups: [8, 9], fsGroup: 10 };
    assert.deepEqual(userOf("web", asked).groups, [50, 60, 8, 9, 10]);
    assert.deepEqual(
      userOf("web", { ...asked, supplementalGroupsPolicy: "Merge" }).groups,
      [50, 60, 8, 9, 10],
    );
    assert.deepEqual(userOf("web", { ...asked, supplementalGroupsPolicy: "Strict" }).groups, [50, 8, 9, 10]);
  });

  it("must be known to the image when it is a name", () => {
    assert.throws(() => userOf("nobody"), /unable to find user nobody: no matching entries in passwd file/);
    assert.throws(() => userOf("web:none"), /unable to find group none: no matching entries in group file/);
  });

  it("must not be root, nor a name that may be, with runAsNonRoot", () => {
    const where = '(pod: "p_d(u)", container: c)';
    const refused = (message: string, user: string, shared: object, own: object = {}) =>
      assert.throws(() => userOf(user, { runAsNonRoot: true, ...shared }, own), {
        message: `${message} ${where}`,
      });
    refused("container's runAsUser breaks non-root policy", "web", { runAsUser: 0 });
    refused("container has runAsNonRoot and image will run as root", "", {});
    refused("container has runAsNonRoot and image will run as root", "0:0", {});
    const named =
      "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root";
    refused(named, "web", {});
    assert.equal(userOf("1000", { runAsNonRoot: true }).uid, 1000);
    assert.equal(userOf("web", { runAsNonRoot: true }, { runAsUser: 5 }).uid, 5);
    assert.equal(userOf("", { runAsNonRoot: true }, { runAsNonRoot: false }).uid, 0);
  });
});
