import { dns1035Label, dns1123Subdomain, pathSegment, portNumber } from "../../../client/rules/names.ts";
import type { APIService } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

/** Kubernetes' rules for API services (kube-aggregator's validation). Pure. */

const groupPriorityMax = 20_000;
const versionPriorityMax = 1000;
const statuses = ["True", "False", "Unknown"];

export function validateApiService(service: APIService): readonly FieldError[] {
  const { group = "", version = "", groupPriorityMinimum: minimum, versionPriority: priority } = service.spec;
  const problems: FieldError[] = [...validateName(service)];
  if (group === "" && version !== "v1")
    problems.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (group !== "")
    problems.push(...dns1123Subdomain(group).map((text) => invalid("spec.group", group, text)));
  problems.push(...dns1035Label(version).map((text) => invalid("spec.version", version, text)));
  if (minimum <= 0 || minimum > groupPriorityMax)
    problems.push(
      invalid("spec.groupPriorityMinimum", minimum, `must be positive and less than ${groupPriorityMax}`),
    );
  if (priority <= 0 || priority > versionPriorityMax)
    problems.push(
      invalid("spec.versionPriority", priority, `must be positive and less than ${versionPriorityMax}`),
    );
  return [...problems, ...validateReach(service.spec)];
}

function validateName({ metadata, spec }: APIService): readonly FieldError[] {
  const { name = "" } = metadata;
  const wanted = `${spec.version ?? ""}.${spec.group ?? ""}`;
  const generated = metadata.generateName ?? "";
  const texts = (value: string) => {
    const broken = pathSegment(value);
    if (broken.length > 0) return broken;
    return value === wanted ? [] : [`must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`];
  };
  return [
    ...(generated === ""
      ? []
      : texts(generated).map((text) => invalid("metadata.generateName", generated, text))),
    ...(name === "" ? [] : texts(name).map((text) => invalid("metadata.name", name, text))),
  ];
}

/** How the server behind is reached, or that there is none. */
function validateReach({
  service,
  caBundle = "",
  insecureSkipTLSVerify: skips = false,
}: APIService["spec"]): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (service === undefined) {
    if (caBundle !== "") {
      const size = `${Buffer.from(caBundle, "base64").length} bytes`;
      problems.push(invalid("spec.caBundle", size, "local APIServices may not have a caBundle"));
    }
    if (skips) {
      const text = "local APIServices may not have insecureSkipTLSVerify";
      problems.push(invalid("spec.insecureSkipTLSVerify", skips, text));
    }
    return problems;
  }
  const { namespace = "", name = "", port = 0 } = service;
  if (namespace === "") problems.push(required("spec.service.namespace"));
  if (name === "") problems.push(required("spec.service.name"));
  const wrong = portNumber(port);
  if (wrong.length > 0)
    problems.push(invalid("spec.service.port", port, `port is not valid: ${wrong.join(", ")}`));
  if (skips && caBundle !== "")
    problems.push(invalid("spec.insecureSkipTLSVerify", skips, "may not be true if caBundle is present"));
  return problems;
}

export function validateApiServiceStatus({ status }: APIService): readonly FieldError[] {
  return (status?.conditions ?? []).flatMap((condition, index) =>
    statuses.includes(condition.status ?? "")
      ? []
      : [notSupported(`status.conditions[${index}].status`, condition.status ?? "", statuses)],
  );
}
