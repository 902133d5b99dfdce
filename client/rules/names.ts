/** Rules for names. Each rule gives the texts of what is wrong, as Kubernetes words them; none if the name is right. */
export type Rule = (value: string) => readonly string[];

const labelMax = 63;
const subdomainMax = 253;
const label1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const label1123Pattern = new RegExp(`^${label1123}$`);
const subdomainPattern = new RegExp(`^${label1123}(\\.${label1123})*$`);
const label1035Pattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedNamePattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const configKeyPattern = /^[-._a-zA-Z0-9]+$/;
const portNamePattern = /^[-a-z0-9]+$/;

const tooLong = (max: number) => `must be no more than ${max} characters`;
/** Of labels, whose rules Kubernetes keeps elsewhere. */
const tooManyBytes = (max: number) => `must be no more than ${max} bytes`;

export function regexRule(text: string, pattern: string, ...examples: string[]): string {
  const quoted = examples.map((one) => `'${one}'`);
  const shown = quoted.length > 0 ? `e.g. ${quoted.join(",  or ")}, ` : "";
  return `${text} (${shown}regex used for validation is '${pattern}')`;
}

const label1123Text = regexRule(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label1123,
  "my-name",
  "123-abc",
);
const subdomainText = regexRule(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  `${label1123}(\\.${label1123})*`,
  "example.com",
);
const label1035Text = regexRule(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  "[a-z]([-a-z0-9]*[a-z0-9])?",
  "my-name",
  "abc-123",
);

/** Names of containers, namespaces, ports and services. */
export const dns1123Label: Rule = (value) => [
  ...(value.length > labelMax ? [tooLong(labelMax)] : []),
  ...(label1123Pattern.test(value)
    ? []
    : [subdomainPattern.test(value) ? "must not contain dots" : label1123Text]),
];

/** The names of most objects. */
export const dns1123Subdomain: Rule = (value) => [
  ...(value.length > subdomainMax ? [tooLong(subdomainMax)] : []),
  ...(subdomainPattern.test(value) ? [] : [subdomainText]),
];

const wildcardText = regexRule(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${label1123}(\\.${label1123})*`,
  "*.example.com",
);

/** The names of all hosts of a domain. */
export const wildcardSubdomain: Rule = (value) => [
  ...(value.length > subdomainMax ? [tooLong(subdomainMax)] : []),
  ...(value.startsWith("*.") && subdomainPattern.test(value.slice(2)) ? [] : [wildcardText]),
];

/** What may follow a domain and a slash. */
export const urlPath: Rule = (value) =>
  /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(value)
    ? []
    : [regexRule("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+")];

/** The names of services. */
export const dns1035Label: Rule = (value) => [
  ...(value.length > labelMax ? [tooLong(labelMax)] : []),
  ...(label1035Pattern.test(value) ? [] : [label1035Text]),
];

/** What may stand in a path: the names of events, leases and the like are stricter, of RBAC objects just this. */
export const pathSegment: Rule = (value) => [
  ...(value === "." || value === ".." ? [`may not be '${value}'`] : []),
  ...["/", "%"].filter((one) => value.includes(one)).map((one) => `may not contain '${one}'`),
];

const namePartText = regexRule(
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
  "MyName",
  "my.name",
  "123-abc",
);

/** The keys of labels and annotations: `[prefix/]name`. */
export const qualifiedName: Rule = (value) => {
  const parts = value.split("/");
  const problems: string[] = [];
  const name = parts[parts.length - 1] ?? "";
  if (parts.length > 2) {
    return [
      `${regexRule(
        "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
        "MyName",
        "my.name",
        "123-abc",
      )} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") problems.push("prefix part must be non-empty");
    else {
      if (prefix.length > subdomainMax) problems.push(`prefix part ${tooManyBytes(subdomainMax)}`);
      if (!subdomainPattern.test(prefix)) problems.push(`prefix part ${subdomainText}`);
    }
  }
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > labelMax) problems.push(`name part ${tooManyBytes(labelMax)}`);
  if (!qualifiedNamePattern.test(name)) problems.push(namePartText);
  return problems;
};

const labelValueText = regexRule(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
  "MyValue",
  "my_value",
  "12345",
);

export const labelValue: Rule = (value) => [
  ...(value.length > labelMax ? [tooManyBytes(labelMax)] : []),
  ...(labelValuePattern.test(value) ? [] : [labelValueText]),
];

/** The keys of config maps and secrets: file names. */
export const configKey: Rule = (value) => {
  const problems: string[] = [];
  if (value.length > subdomainMax) problems.push(tooLong(subdomainMax));
  if (!configKeyPattern.test(value)) {
    problems.push(
      regexRule(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+",
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  if (value === ".") problems.push("must not be '.'");
  else if (value === "..") problems.push("must not be '..'");
  else if (value.startsWith("..")) problems.push("must not start with '..'");
  return problems;
};

/** Environment variables: anything printable but `=`. */
export const envName: Rule = (value) =>
  /^[ -<>-~]+$/.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

/** Names of container ports, and of ports in probes. */
export const portName: Rule = (value) => {
  const problems: string[] = [];
  if (value.length > 15) problems.push("must be no more than 15 characters");
  if (!portNamePattern.test(value))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) problems.push("must contain at least one letter (a-z)");
  if (value.includes("--")) problems.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
};

export const portNumber = (value: number): readonly string[] =>
  Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ["must be between 1 and 65535, inclusive"];

const headerNameText = regexRule(
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  "[-A-Za-z0-9]+",
  "X-Header-Name",
);

export const headerName: Rule = (value) => (/^[-A-Za-z0-9]+$/.test(value) ? [] : [headerNameText]);

const searchPattern = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const searchText = regexRule(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  searchPattern,
  "example.com",
);
const wholeSearch = new RegExp(`^${searchPattern}$`);

/** Where DNS looks for names: hosts there may begin with an underscore. */
export const searchDomain: Rule = (value) => [
  ...(value.length > subdomainMax ? [tooLong(subdomainMax)] : []),
  ...(wholeSearch.test(value) ? [] : [searchText]),
];
