import { isIP, isIPv4, isIPv6 } from "node:net";
import { dns1123Label, dns1123Subdomain } from "./names.ts";

/** The formats of text that a schema may name, and what each means (kube-openapi's strfmt). Pure. */
const formats: Readonly<Record<string, (value: string) => boolean>> = {
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  byte: (value) =>
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(value),
  cidr: isCidr,
  creditcard: (value) =>
    /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      value.replaceAll(/\D+/g, ""),
    ),
  date: isDate,
  datetime: isDateTime,
  duration: (value) =>
    /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/.test(
      value,
    ) ||
    value === "0" ||
    /^\d+\s*(?:nano|ns|micro|us|µs|milli|ms|sec|s|min|m|hr|hour|h|day|d|week|wk|w)\w*$/.test(
      value.trim().toLowerCase(),
    ),
  email: (value) => /^(?:[^<>]*<)?[^\s@<>]+@[^\s@<>]+>?$/.test(value),
  hexcolor: (value) => /^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  hostname: isHostname,
  ipv4: (value) => isIPv4(value.replaceAll(/\b0+(?=\d)/g, "")),
  ipv6: isIPv6,
  isbn: (value) => isIsbn10(value) || isIsbn13(value),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  k8slongname: (value) => dns1123Subdomain(value).length === 0,
  k8sshortname: (value) => dns1123Label(value).length === 0,
  mac: (value) =>
    /^(?:[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){7}|[0-9a-f]{2}(?:[:-][0-9a-f]{2}){19}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){3}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){9})$/i.test(
      value,
    ),
  password: () => true,
  rgbcolor: (value) => {
    const parts = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(value);
    return parts?.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part) ?? false;
  },
  ssn: (value) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(value),
  uri: (value) => value.startsWith("/") || (/^[a-z][a-z0-9+.-]*:/i.test(value) && URL.canParse(value)),
  uuid: (value) => uuid("[0-9a-f]", "[0-9a-f]").test(value),
  uuid3: (value) => uuid("3", "[0-9a-f]").test(value),
  uuid4: (value) => uuid("4", "[89ab]").test(value),
  uuid5: (value) => uuid("5", "[89ab]").test(value),
};

/** True too for formats that nobody knows: those say nothing. */
export function hasFormat(format: string, value: string): boolean {
  const name = format.replaceAll("-", "");
  return !Object.hasOwn(formats, name) || (formats[name]?.(value) ?? true);
}

export function isKnownFormat({
  type = "",
  format,
}: {
  readonly type?: string;
  readonly format: string;
}): boolean {
  if (type === "integer") return format === "int32" || format === "int64";
  if (type === "number") return format === "float" || format === "double";
  return (type === "" || type === "string") && Object.hasOwn(formats, format.replaceAll("-", ""));
}

function uuid(version: string, variant: string): RegExp {
  return new RegExp(
    `^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?${variant}[0-9a-f]{3}-?[0-9a-f]{12}$`,
    "i",
  );
}

function isCidr(value: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(value) ?? [];
  const version = isIP(address.replaceAll(/\b0+(?=\d)/g, ""));
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}

function isDate(value: string): boolean {
  const [, year = "", month = "", day = ""] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value) ?? [];
  if (day === "") return false;
  const date = new Date(Date.UTC(2000, 0, 1));
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
}

function isDateTime(value: string): boolean {
  const [date = "", time] = value.toLowerCase().split("t");
  if (time === undefined || !isDate(date)) return false;
  const parts = /^(\d{2}):(\d{2}):(\d{2})(?:.\d+)?(?:z|[+-]\d{2}:\d{2})$/.exec(time);
  return parts !== null && Number(parts[1]) <= 23 && Number(parts[2]) <= 59 && Number(parts[3]) <= 59;
}

function isHostname(value: string): boolean {
  const letter = "[a-zA-Z0-9\\p{S}\\p{L}]";
  const label = `${letter}(?:[a-zA-Z0-9\\-\\p{S}\\p{L}]{0,61}${letter})?`;
  const single = new RegExp(`^${letter}(?:-?${letter}{0,62})?$`, "u");
  const dotted = new RegExp(`^(?:${label}\\.)+[a-zA-Z\\p{L}]{2,63}$`, "u");
  if (value.length > 255 || value.split(".").some((part) => part.length > 63)) return false;
  return single.test(value) || dotted.test(value);
}

function isIsbn10(value: string): boolean {
  const text = value.replaceAll(/[\s-]+/g, "");
  if (!/^\d{9}[\dX]$/.test(text)) return false;
  const sum = [...text].reduce(
    (total, digit, at) => total + (10 - at) * (digit === "X" ? 10 : Number(digit)),
    0,
  );
  return sum % 11 === 0;
}

function isIsbn13(value: string): boolean {
  const text = value.replaceAll(/[\s-]+/g, "");
  if (!/^\d{13}$/.test(text)) return false;
  return [...text].reduce((total, digit, at) => total + (at % 2 === 0 ? 1 : 3) * Number(digit), 0) % 10 === 0;
}
