export interface Header {
  readonly name: string;
  /** A character a byte. */
  readonly value: string;
}

/** What HPACK and SETTINGS_MAX_HEADER_LIST_SIZE count a header as (RFC 7541, section 4.1). */
export const headerCost = ({ name, value }: Header): number => name.length + value.length + 32;
