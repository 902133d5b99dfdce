import { ImageError } from "./image.ts";
import { type Descriptor, isDescriptor, isRecord } from "./image-documents.ts";

const architectures: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm",
  ppc64: "ppc64le",
  s390x: "s390x",
  riscv64: "riscv64",
};
export const architecture = architectures[process.arch] ?? process.arch;

/** The manifest of an index (or Docker's manifest list) that is for this machine. Throws ImageError. */
export function chooseForPlatform(index: Record<string, unknown>): Descriptor {
  const listed: unknown[] = Array.isArray(index.manifests) ? index.manifests : [];
  const fits = listed.filter(isDescriptor).find((one) => {
    const platform = "platform" in one && isRecord(one.platform) ? one.platform : {};
    return platform.os === "linux" && platform.architecture === architecture;
  });
  const only = listed.length === 1 && isDescriptor(listed[0]) ? listed[0] : undefined;
  const chosen = fits ?? only;
  if (chosen === undefined) throw new ImageError(`no match for platform linux/${architecture} in the index`);
  return chosen;
}
