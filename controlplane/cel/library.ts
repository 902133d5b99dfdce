import { type FunctionTable, functionTable } from "./environment.ts";
import { addressFunctions } from "./functions/addresses.ts";
import { conversions } from "./functions/conversions.ts";
import { listFunctions, optionalFunctions } from "./functions/lists.ts";
import { formatFunctions } from "./functions/named-formats.ts";
import { operators } from "./functions/operators.ts";
import { quantityFunctions } from "./functions/quantities.ts";
import { regexFunctions } from "./functions/regex.ts";
import { semverFunctions } from "./functions/semver.ts";
import { stringFunctions } from "./functions/strings.ts";
import { timeFunctions } from "./functions/time.ts";
import { urlFunctions } from "./functions/urls.ts";

/** The functions that Kubernetes 1.36 gives every new expression. */
export const kubernetesFunctions: FunctionTable = functionTable(
  operators,
  conversions,
  timeFunctions,
  stringFunctions,
  regexFunctions,
  listFunctions,
  optionalFunctions,
  urlFunctions,
  quantityFunctions,
  addressFunctions,
  semverFunctions,
  formatFunctions,
);
