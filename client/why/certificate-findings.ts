import { resources } from "../resources.ts";
import { type CertificateFacts, certificatesIn, isForHost } from "./certificates.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, type Named, stands, wordsOf } from "./finding.ts";

const day = 86_400_000;
const soonMs = 7 * day;

/** What is wrong with the time of a certificate; undefined: nothing, for now. */
export function timeFinding(
  object: Named,
  {
    certificate,
    field,
    what,
    next,
  }: {
    readonly certificate: CertificateFacts;
    readonly field: string;
    readonly what: string;
    readonly next: readonly string[];
  },
  nowMs: number,
): Finding | undefined {
  const { notBeforeMs, notAfterMs } = certificate;
  const at = (ms: number) => new Date(ms).toISOString();
  const evidence = [stands(object, field, `valid from ${at(notBeforeMs)} to ${at(notAfterMs)}`)];
  if (nowMs > notAfterMs)
    return finding(
      "certificate-expired",
      object,
      `${what} has expired: it was valid until ${at(notAfterMs)}`,
      {
        evidence,
        change: ["a new certificate"],
        next,
      },
    );
  if (nowMs < notBeforeMs)
    return finding("certificate-not-yet", object, `${what} is not valid before ${at(notBeforeMs)}`, {
      evidence,
      change: ["time, clocks that agree, or a new certificate"],
      next,
    });
  if (nowMs + soonMs > notAfterMs)
    return finding("certificate-expired", object, `${what} expires soon: ${at(notAfterMs)}`, {
      severity: "warning",
      evidence,
      change: ["a new certificate"],
      next,
    });
  return undefined;
}

/** What is wrong with a Secret that hosts are served with. */
export function tlsFindings(
  user: Named,
  {
    name,
    namespace,
    field,
    hosts,
  }: {
    readonly name: string;
    readonly namespace: string;
    readonly field: string;
    readonly hosts: readonly string[];
  },
  facts: Facts,
): readonly Finding[] {
  const secret = facts.find(resources.secrets, { name, namespace });
  if (secret === undefined) return [];
  const next = [`kubectl describe secret ${name} -n ${namespace}`];
  if (secret === null)
    return [
      finding(
        "certificate-missing",
        { kind: "Secret", metadata: { name, namespace } },
        `its certificate is missing: there is no Secret ${name}`,
        {
          evidence: [stands(user, field, name)],
          change: [`a Secret ${name} of the type kubernetes.io/tls in namespace ${namespace}`],
          next: [`kubectl get secrets -n ${namespace}`],
        },
      ),
    ];
  let certificate: CertificateFacts | undefined;
  try {
    [certificate] = certificatesIn(secret.data?.["tls.crt"] ?? "");
  } catch (error) {
    return [
      finding(
        "certificate-missing",
        secret,
        `the Secret ${name} holds no certificate: ${error instanceof Error ? error.message : String(error)}`,
        {
          evidence: [stands(user, field, name), stands(secret, "type", secret.type ?? "")],
          change: ["tls.crt and tls.key in PEM"],
          next,
        },
      ),
    ];
  }
  if (certificate === undefined) return [];
  const found = timeFinding(
    secret,
    { certificate, field: "data[tls.crt]", what: `the certificate in Secret ${name}`, next },
    facts.nowMs,
  );
  if (found !== undefined && found.severity === "error") return [found];
  const others = hosts.filter((host) => !isForHost(certificate, host));
  if (others.length > 0)
    return [
      finding(
        "certificate-name",
        secret,
        `the certificate in Secret ${name} is for ${certificate.names.join(", ") || "no name"}, not for ${others.join(", ")}`,
        {
          evidence: [stands(user, field, `${name} for ${hosts.join(", ")}`)],
          change: [`a certificate for ${others.join(", ")}`],
          next: [...next, `kubectl describe ${wordsOf(user)}`],
        },
      ),
    ];
  return found === undefined ? [] : [found];
}

/** What is wrong with the authorities that a caBundle names. */
export function bundleFindings(
  object: Named,
  bundle: string | undefined,
  field: string,
  facts: Facts,
): readonly Finding[] {
  if (!bundle) return [];
  const next = [`kubectl get ${wordsOf(object)} -o yaml`];
  try {
    const found = certificatesIn(bundle).map((certificate) =>
      timeFinding(object, { certificate, field, what: "the authority in its caBundle", next }, facts.nowMs),
    );
    const bad = found.flatMap((one) => one ?? []);
    return found.length > bad.length ? bad.filter(({ severity }) => severity !== "error") : bad.slice(0, 1);
  } catch (error) {
    return [
      finding(
        "certificate-missing",
        object,
        `its caBundle holds no certificate: ${error instanceof Error ? error.message : String(error)}`,
        {
          evidence: [stands(object, field, "(is there)")],
          change: ["certificates in PEM"],
          next,
        },
      ),
    ];
  }
}
