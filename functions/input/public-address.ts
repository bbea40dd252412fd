/**
 * Which hosts are of the public internet, by what is written in an address. What a name resolves to nobody is told in
 * Workers; `fetch-url.ts` says what keeps a public name that leads inside from doing harm.
 */

/** IANA's registry of special-purpose IPv4 addresses (RFC 6890), multicast, the reserved, and one that Azure has made special. */
const IPV4_NOT_PUBLIC: readonly [base: string, bits: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

/**
 * Global unicast, 2000::/3, is the only public space of IPv6. Left out with all the rest: loopback, unique local,
 * link-local, multicast, and addresses of IPv4 in another dress (mapped, compatible, NAT64).
 */
const IPV6_PUBLIC: Range6 = [[0x2000], 3];
/** Within it: IETF protocol assignments with Teredo and benchmarking, documentation (two), 6to4, and the former 6bone. */
const IPV6_NOT_PUBLIC: readonly Range6[] = [
  [[0x2001, 0], 23],
  [[0x2001, 0xdb8], 32],
  [[0x2002], 16],
  [[0x3ffe], 16],
  [[0x3fff, 0], 20],
];

/** Leading 16-bit groups, and how many bits of them count. */
type Range6 = readonly [groups: readonly number[], bits: number];

/** Top-level names that lead inside or nowhere: RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `internal`, and routers' habits. */
const INNER_NAMES = new Set(
  'localhost local localdomain internal intranet private corp home lan arpa test invalid onion alt'.split(' '),
);

/**
 * @param hostname of a parsed URL: WHATWG's parser has brought decimal, octal, hexadecimal and short IPv4 to four numbers
 */
export function isPublicHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return isPublicIpv6(groupsOf(hostname.slice(1, -1)));
  const ipv4 = ipv4Of(hostname);
  if (ipv4 !== undefined) return !IPV4_NOT_PUBLIC.some(([base, bits]) => sameStart(ipv4, ipv4Of(base) ?? 0, bits));
  const labels = withoutDot(hostname).split('.');
  // A name of one label is found by the search list of a machine, if at all.
  if (labels.length < 2 || labels.includes('')) return false;
  return !INNER_NAMES.has(labels.at(-1) ?? '');
}

/** This machine itself: 127.0.0.0/8, ::1, `localhost` and what is below it. */
export function isLoopbackHost(hostname: string): boolean {
  const ipv4 = ipv4Of(hostname);
  if (ipv4 !== undefined) return sameStart(ipv4, 0x7f000000, 8);
  return hostname === '[::1]' || /(^|\.)localhost$/.test(withoutDot(hostname));
}

/** The root's own dot, at the end of a name. */
export const withoutDot = (hostname: string): string => hostname.replace(/\.$/, '');

/** As one number of 32 bits; undefined for a name. */
function ipv4Of(hostname: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(hostname)?.slice(1).map(Number);
  return parts?.reduce((address, part) => address * 256 + part, 0);
}

const sameStart = (a: number, b: number, bits: number): boolean =>
  Math.floor(a / 2 ** (32 - bits)) === Math.floor(b / 2 ** (32 - bits));

function isPublicIpv6(groups: readonly number[]): boolean {
  const within = ([start, bits]: Range6) =>
    start.every((group, i) => {
      const shift = 16 - Math.min(16, bits - 16 * i);
      return shift >= 16 || group >> shift === (groups[i] ?? 0) >> shift;
    });
  return within(IPV6_PUBLIC) && !IPV6_NOT_PUBLIC.some(within);
}

/** Eight groups, of the form that WHATWG's serializer writes: no dots, `::` at most once. */
function groupsOf(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const numbers = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [numbers(head), numbers(tail ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
