import { type AppArmorChoice, RuntimeError } from "../seam.ts";

/** What the kernel has loaded: `name (mode)`, one a line. */
export const appArmorProfilesFile = "/sys/kernel/security/apparmor/profiles";

/** Containers' default profiles, as the programs that bring them name them. */
const defaultNames = ["cri-containerd.apparmor.d", "crio-default", "docker-default", "containers-default"];

/** `process.apparmorProfile`; undefined for none. Pure: `loaded` is the text of the file above, or undefined where the
 *  kernel has no AppArmor. Throws RuntimeError for a profile that is not loaded: the node loads none itself. */
export function appArmorProfileOf(choice: AppArmorChoice, loaded: string | undefined): string | undefined {
  if (choice.type === "Unconfined") return undefined;
  if (loaded === undefined)
    throw new RuntimeError(`appArmorProfile ${choice.type}: AppArmor is not enabled on the host`);
  const names = loaded.split("\n").map((line) => line.replace(/ \(\w+\)$/, ""));
  const wanted = choice.type === "Localhost" ? [choice.profile] : defaultNames;
  const found = wanted.find((name) => name !== "" && names.includes(name));
  if (found !== undefined) return found;
  throw new RuntimeError(
    choice.type === "Localhost"
      ? `apparmor profile not found ${choice.profile}`
      : `appArmorProfile RuntimeDefault: the host has loaded none of ${defaultNames.join(", ")}`,
  );
}
