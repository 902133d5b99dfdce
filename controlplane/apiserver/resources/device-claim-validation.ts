import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { ResourceClaimSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import {
  configMax,
  configurationProblems,
  fullNameProblems,
  listProblems,
  named,
  requestsMax,
  setProblems,
  tolerationProblems,
} from "./device-rules.ts";
import { selectorProblems } from "./device-selectors.ts";
import { invalid, notSupported, required } from "./field-errors.ts";

type Claim = NonNullable<ResourceClaimSpec["devices"]>;
type Request = NonNullable<Claim["requests"]>[number];
type Exact = NonNullable<Request["exactly"]>;
type SubRequest = NonNullable<Request["firstAvailable"]>[number];
type Constraint = NonNullable<Claim["constraints"]>[number];

const constraintsMax = 32;
const alternativesMax = 8;
const tolerationsMax = 16;

/** The names that others may use of a claim's requests. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNamesOf({ devices }: ResourceClaimSpec): RequestNames {
  return new Map(
    (devices?.requests ?? []).map(({ name = "", firstAvailable = [] }) => [
      name,
      new Set(firstAvailable.map((one) => one.name)),
    ]),
  );
}

export function validateClaimSpec(spec: ResourceClaimSpec, field: string): readonly FieldError[] {
  const { requests, constraints, config } = spec.devices ?? {};
  const names = requestNamesOf(spec);
  const at = `${field}.devices`;
  return [
    ...setProblems(requests, {
      max: requestsMax,
      field: `${at}.requests`,
      judge: validateRequest,
      keyOf: ({ name }) => name ?? "",
    }),
    ...listProblems(constraints, {
      max: constraintsMax,
      field: `${at}.constraints`,
      judge: (one, where) => validateConstraint(one, where, names),
    }),
    ...listProblems(config, {
      max: configMax,
      field: `${at}.config`,
      judge: (one, where) => [
        ...requestReferences(one.requests, `${where}.requests`, names),
        ...configurationProblems(one, where),
      ],
    }),
  ];
}

function validateRequest(request: Request, field: string): readonly FieldError[] {
  const { name = "", exactly, firstAvailable = [] } = request;
  const problems: FieldError[] = [...named(dns1123Label, name, `${field}.name`)];
  const text = "exactly one of `exactly` or `firstAvailable` is required";
  if (exactly !== undefined && firstAvailable.length > 0)
    problems.push(invalid(field, null, `${text}, but multiple fields are set`));
  else if (exactly !== undefined) problems.push(...validateWish(exactly, `${field}.exactly`));
  else if (firstAvailable.length === 0) problems.push(required(field, text));
  else
    problems.push(
      ...setProblems(firstAvailable, {
        max: alternativesMax,
        field: `${field}.firstAvailable`,
        judge: (one, at) => [...named(dns1123Label, one.name ?? "", `${at}.name`), ...validateWish(one, at)],
        keyOf: (one) => one.name,
      }),
    );
  return problems;
}

function validateWish(wish: Exact | SubRequest, field: string): readonly FieldError[] {
  const { deviceClassName = "", selectors, allocationMode = "", count = 0, tolerations } = wish;
  const problems: FieldError[] = [];
  if (deviceClassName === "") problems.push(required(`${field}.deviceClassName`));
  else problems.push(...named(dns1123Subdomain, deviceClassName, `${field}.deviceClassName`));
  problems.push(...selectorProblems(selectors, `${field}.selectors`));
  if (allocationMode === "All") {
    if (count !== 0)
      problems.push(invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'"));
  } else if (allocationMode === "ExactCount") {
    if (count <= 0) problems.push(invalid(`${field}.count`, count, "must be greater than zero"));
  } else problems.push(notSupported(`${field}.allocationMode`, allocationMode, ["All", "ExactCount"]));
  problems.push(
    ...listProblems(tolerations, {
      max: tolerationsMax,
      field: `${field}.tolerations`,
      judge: tolerationProblems,
    }),
  );
  return problems;
}

function validateConstraint(
  { requests, matchAttribute, distinctAttribute }: Constraint,
  field: string,
  names: RequestNames,
): readonly FieldError[] {
  const problems: FieldError[] = [...requestReferences(requests, `${field}.requests`, names)];
  if (matchAttribute !== undefined)
    return [...problems, ...fullNameProblems(matchAttribute, `${field}.matchAttribute`)];
  if (distinctAttribute !== undefined)
    return [...problems, ...fullNameProblems(distinctAttribute, `${field}.distinctAttribute`)];
  const text =
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...problems, required(field, text)];
}

export function requestReferences(
  references: readonly string[] | undefined,
  field: string,
  names: RequestNames,
): readonly FieldError[] {
  return setProblems(references, {
    max: requestsMax,
    field,
    judge: (name, at) => requestReference(name, at, names),
    keyOf: (name) => name,
  });
}

export function requestReference(name: string, field: string, names: RequestNames): readonly FieldError[] {
  const text =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const [request = "", sub, ...more] = name.split("/");
  if (more.length > 0) return [invalid(field, name, text)];
  const isKnown = names.has(request) && (sub === undefined || names.get(request)?.has(sub) === true);
  return [
    ...[request, ...(sub === undefined ? [] : [sub])].flatMap((part) => named(dns1123Label, part, field)),
    ...(isKnown ? [] : [invalid(field, name, text)]),
  ];
}

/** How many devices are wanted, and what tolerations do, where nothing is said of it. Mutates. */
export function applyClaimDefaults(spec: ResourceClaimSpec): void {
  spec.devices ??= {};
  for (const { exactly, firstAvailable = [] } of spec.devices.requests ?? [])
    for (const wish of [...(exactly === undefined ? [] : [exactly]), ...firstAvailable]) {
      for (const toleration of wish.tolerations ?? []) toleration.operator ||= "Equal";
      wish.allocationMode ||= "ExactCount";
      if (wish.allocationMode === "ExactCount") wish.count ||= 1;
    }
}
