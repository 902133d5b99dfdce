import type { PriorityLevelConfiguration } from "../../../client/types.ts";
import { goPriorityLevel } from "../flowcontrol/go-forms.ts";
import { hashBitsMax, requiredEntropyBits } from "../flowcontrol/shuffle-sharding.ts";
import { mandatory, suggestedLevels } from "../flowcontrol/suggested-objects.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateFlowConditions } from "./flow-schema-validation.ts";

/** Kubernetes' rules for priority levels (pkg/apis/flowcontrol/validation). Pure. */

type Spec = PriorityLevelConfiguration["spec"];
type Limited = NonNullable<Spec["limited"]>;
type Queuing = NonNullable<NonNullable<Limited["limitResponse"]>["queuing"]>;

const queuesMax = 10_000_000;
/** Kubernetes keeps a zero across versions under this annotation, which no object of v1 may have. */
const zeroSharesAnnotation = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

export function validatePriorityLevel(level: PriorityLevelConfiguration): readonly FieldError[] {
  const { metadata, spec, status } = level;
  const hasAnnotation = metadata.annotations?.[zeroSharesAnnotation] !== undefined;
  return [
    ...(hasAnnotation
      ? [forbidden("metadata.annotations", `annotation '${zeroSharesAnnotation}' is forbidden`)]
      : []),
    ...validateSpec(spec, metadata.name),
    ...validateFixed(spec, metadata.name),
    ...validateFlowConditions(status?.conditions),
  ];
}

function validateFixed(spec: Spec, name: string): readonly FieldError[] {
  const fixed = mandatory(suggestedLevels, name);
  if (fixed === undefined) return [];
  if (name !== "exempt")
    return sameValue(spec, fixed.spec)
      ? []
      : [invalid("spec", goPriorityLevel(spec), `spec of '${name}' must equal the fixed value`)];
  const { exempt: _, ...rest } = spec;
  const { exempt: __, ...fixedRest } = fixed.spec;
  return sameValue(rest, fixedRest)
    ? []
    : [
        invalid(
          "spec",
          goPriorityLevel(spec),
          `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`,
        ),
      ];
}

function validateSpec(spec: Spec, name: string): readonly FieldError[] {
  const { type = "", limited, exempt } = spec;
  const problems: FieldError[] = [];
  if ((name === "exempt") !== (type === "Exempt"))
    problems.push(invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  if (type === "Exempt") {
    if (limited !== undefined)
      problems.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
    if (exempt !== undefined)
      problems.push(
        ...notNegative("spec.exempt.nominalConcurrencyShares", exempt.nominalConcurrencyShares),
        ...percent("spec.exempt.lendablePercent", exempt.lendablePercent),
      );
  } else if (type === "Limited") {
    if (exempt !== undefined) problems.push(forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (limited === undefined)
      problems.push(required("spec.limited", "must not be empty when type is Limited"));
    else problems.push(...validateLimited(limited));
  } else if (type === "") problems.push(required("spec.type"));
  else problems.push(notSupported("spec.type", type, ["Exempt", "Limited"]));
  return problems;
}

function validateLimited(limited: Limited): readonly FieldError[] {
  const { nominalConcurrencyShares, limitResponse, lendablePercent, borrowingLimitPercent = 0 } = limited;
  const field = "spec.limited";
  return [
    ...notNegative(`${field}.nominalConcurrencyShares`, nominalConcurrencyShares),
    ...validateResponse(limitResponse, `${field}.limitResponse`),
    ...percent(`${field}.lendablePercent`, lendablePercent),
    ...(borrowingLimitPercent < 0
      ? [
          invalid(
            `${field}.borrowingLimitPercent`,
            borrowingLimitPercent,
            "if specified, must be a non-negative integer",
          ),
        ]
      : []),
  ];
}

function validateResponse(response: Limited["limitResponse"], field: string): readonly FieldError[] {
  const { type = "", queuing } = response ?? {};
  if (type === "Reject")
    return queuing === undefined
      ? []
      : [forbidden(`${field}.queuing`, "must be nil if limited.limitResponse.type is not Limited")];
  if (type === "Queue")
    return queuing === undefined
      ? [required(`${field}.queuing`, "must not be empty if limited.limitResponse.type is Limited")]
      : validateQueuing(queuing, `${field}.queuing`);
  return type === ""
    ? [required(`${field}.type`)]
    : [notSupported(`${field}.type`, type, ["Queue", "Reject"])];
}

function validateQueuing(queuing: Queuing, field: string): readonly FieldError[] {
  const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
  const problems: FieldError[] = [];
  if (queueLengthLimit <= 0)
    problems.push(invalid(`${field}.queueLengthLimit`, queueLengthLimit, "must be positive"));
  if (queues <= 0) problems.push(invalid(`${field}.queues`, queues, "must be positive"));
  else if (queues > queuesMax)
    problems.push(invalid(`${field}.queues`, queues, `must not be greater than ${queuesMax}`));
  const refuse = (why: string) => problems.push(invalid(`${field}.handSize`, handSize, why));
  if (handSize <= 0) refuse("must be positive");
  else if (handSize > queues) refuse(`should not be greater than queues (${queues})`);
  else if (requiredEntropyBits(queues, handSize) > hashBitsMax)
    refuse(
      `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${hashBitsMax}`,
    );
  return problems;
}

function notNegative(field: string, value = 0): readonly FieldError[] {
  return value < 0 ? [invalid(field, value, "must be a non-negative integer")] : [];
}

function percent(field: string, value = 0): readonly FieldError[] {
  return value < 0 || value > 100 ? [invalid(field, value, "must be between 0 and 100, inclusive")] : [];
}
