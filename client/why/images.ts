import { resources } from "../resources.ts";
import type { ContainerStatus, Pod } from "../types.ts";
import type { CauseCode } from "./causes.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Evidence, type Finding, finding, stands, told, wordsOf } from "./finding.ts";

const pulls: readonly {
  readonly says: RegExp;
  readonly code: CauseCode;
  readonly why: string;
  readonly change: string;
}[] = [
  {
    says: /too ?many ?requests|rate limit|\b429\b/i,
    code: "image-rate-limit",
    why: "its registry's rate limit is reached",
    change: "credentials with a higher limit (spec.imagePullSecrets), a mirror, or patience",
  },
  {
    says: /unauthorized|authentication required|access denied|\bdenied\b|no basic auth|forbidden|\b40[13]\b/i,
    code: "image-auth",
    why: "its registry refuses the credentials, or wants some (or there is no such repository)",
    change: "spec.imagePullSecrets, or the service account's, open the registry; the name is right",
  },
  {
    says: /not found|manifest unknown|name unknown|does not exist|no such (image|manifest)|\b404\b/i,
    code: "image-not-found",
    why: "its registry has none of this name and tag",
    change: "the name and the tag are right, and the image was pushed",
  },
  {
    says: /no such host|timeout|timed out|connection refused|EOF|unreachable|ENOTFOUND|ECONN|EAI_AGAIN|x509|certificate/i,
    code: "image-registry",
    why: "its registry cannot be reached",
    change: "the node reaches the registry, by name and by network, and trusts its certificate",
  },
];

/** Why the image of a container that waits cannot be had; undefined: that is not what it waits for. */
export function imageFinding(
  pod: Pod,
  status: ContainerStatus,
  field: string,
  facts: Facts,
): Finding | undefined {
  const { reason = "", message = "" } = status.state?.waiting ?? {};
  const { name, image = "" } = status;
  const next = [`kubectl describe ${wordsOf(pod)}`];
  const waiting = stands(pod, `${field}.state.waiting`, `${reason}: ${message}`);
  switch (reason) {
    case "InvalidImageName":
      return finding(
        "image-name-wrong",
        pod,
        `container ${name} names its image in a way that no image is named: "${image}"`,
        {
          evidence: [waiting],
          change: ["a name such as registry.example/team/app:1.2, in small letters"],
          next,
        },
      );
    case "ErrImageNeverPull":
      return finding(
        "image-pull-policy",
        pod,
        `the image of container ${name} is not on its node, and may not be pulled: ${image}`,
        {
          evidence: [waiting],
          change: ["it is imported there, or imagePullPolicy is another than Never"],
          next: ["pintle image import FILE    # brings it without a registry", ...next],
        },
      );
    case "ErrImagePull":
    case "ImagePullBackOff": {
      const failed = latestEvent(
        facts.events(pod).filter(({ message: text = "" }) => !text.startsWith("Error:")),
        "Failed",
      );
      const text = `${message} ${failed?.message ?? ""}`.replaceAll(image, "");
      const kind = pulls.find(({ says }) => says.test(text));
      return finding(
        kind?.code ?? "image-pull",
        pod,
        `the image of container ${name} cannot be pulled: ${image}: ${kind?.why ?? lastPart(failed?.message ?? message, image)}`,
        {
          evidence: [
            waiting,
            ...(failed === undefined ? [] : [told(failed)]),
            ...missingPullSecrets(pod, facts),
          ],
          change: [
            kind?.change ??
              "the image's name is right, its registry answers, and spec.imagePullSecrets opens it",
          ],
          next: [...next, "pintle image import FILE    # brings it without a registry"],
        },
      );
    }
    default:
      return undefined;
  }
}

const lastPart = (message: string, image: string): string => {
  const at = message.indexOf(`"${image}": `);
  return at < 0 ? message : message.slice(at + image.length + 4);
};

function missingPullSecrets(pod: Pod, facts: Facts): readonly Evidence[] {
  return (pod.spec.imagePullSecrets ?? []).flatMap(({ name = "" }) =>
    facts.find(resources.secrets, { name, namespace: pod.metadata.namespace }) === null
      ? [stands(pod, "spec.imagePullSecrets", `the secret ${name} does not exist`)]
      : [],
  );
}
