import type { Container, Pod } from "../../client/types.ts";
import type { ContainerUser } from "../runtime/seam.ts";
import { ConfigError } from "./environment.ts";

type User = ContainerUser & { readonly uid: number; readonly gid: number };

export interface ImageAccounts {
  /** `user` or `user:group` as the image names them; empty for root. */
  readonly user: string;
  /** Texts of the image's own files. */
  readonly passwd: string;
  readonly group: string;
}

/** Whom a container runs as: the container's word, else the pod's, else the image's. Throws ConfigError. Pure. */
export function containerUser(pod: Pod, container: Container, image: ImageAccounts): User {
  const own = container.securityContext;
  const shared = pod.spec.securityContext;
  const [imageUser = "", imageGroup = ""] = image.user.split(":");
  const runAsUser = own?.runAsUser ?? shared?.runAsUser;
  if (own?.runAsNonRoot ?? shared?.runAsNonRoot) checkNonRoot(pod, container, runAsUser, imageUser);

  // A pod that names a user takes nothing of the image's but what its files say of that user.
  const asked = runAsUser === undefined ? imageUser || "0" : String(runAsUser);
  const users = rowsOf(image.passwd);
  const account = users.find(([name, , uid]) => (isNumber(asked) ? uid === asked : name === asked));
  if (account === undefined && !isNumber(asked))
    throw new ConfigError(`unable to find user ${asked}: no matching entries in passwd file`);
  const uid = Number(account?.[2] ?? asked);

  const groups = rowsOf(image.group);
  const askedGroup = runAsUser === undefined ? imageGroup : "";
  const named = isNumber(askedGroup) ? askedGroup : groups.find(([name]) => name === askedGroup)?.[2];
  if (askedGroup !== "" && named === undefined)
    throw new ConfigError(`unable to find group ${askedGroup}: no matching entries in group file`);
  const gid = own?.runAsGroup ?? shared?.runAsGroup ?? Number(named ?? account?.[3] ?? 0);

  const login = account?.[0] ?? "";
  const ofImage =
    shared?.supplementalGroupsPolicy === "Strict" || login === ""
      ? []
      : groups
          .filter(([name, , , members = ""]) => name !== login && members.split(",").includes(login))
          .map(([, , id]) => Number(id));
  const more = [
    ...(shared?.supplementalGroups ?? []),
    ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  // Its own group is among them, as other runtimes have it.
  return { uid, gid, groups: [...new Set([gid, ...ofImage, ...more])] };
}

/** Whom a pod asks that a container runs as, where the container runtime knows what the image says of the rest: all of it where the
 *  pod asks for nobody. `imageUser` is a user as the image names it, without a group. Throws ConfigError. Pure. */
export function askedUser(
  pod: Pod,
  { name, securityContext: own }: Container,
  imageUser: string,
): ContainerUser {
  const shared = pod.spec.securityContext;
  const runAsUser = own?.runAsUser ?? shared?.runAsUser;
  const gid = own?.runAsGroup ?? shared?.runAsGroup;
  if (own?.runAsNonRoot ?? shared?.runAsNonRoot) checkNonRoot(pod, { name }, runAsUser, imageUser);
  // A group is not to be had without a user.
  const asked = runAsUser === undefined && gid !== undefined ? imageUser || "0" : runAsUser?.toString();
  const account = asked === undefined ? {} : isNumber(asked) ? { uid: Number(asked) } : { name: asked };
  const groups = [
    ...(shared?.supplementalGroups ?? []),
    ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  return {
    ...account,
    ...(gid !== undefined && { gid }),
    groups: [...new Set(groups)],
    ...(shared?.supplementalGroupsPolicy === "Strict" && { onlyTheseGroups: true }),
  };
}

function checkNonRoot(
  { metadata }: Pod,
  { name }: Pick<Container, "name">,
  runAsUser: number | undefined,
  imageUser: string,
): void {
  const { namespace, uid } = metadata;
  const where = `(pod: "${metadata.name}_${namespace}(${uid})", container: ${name})`;
  if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (runAsUser !== undefined) return;
  if (imageUser !== "" && !isNumber(imageUser))
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root ${where}`,
    );
  if (Number(imageUser) === 0)
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** Rows of passwd and group: fields apart by colons; what has no number where one belongs is no row. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(":"))
    .filter(([, , id = ""]) => isNumber(id));
}
