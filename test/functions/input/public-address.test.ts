import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ServiceError } from '../../../functions/errors.ts';
import { checkedAddress } from '../../../functions/input/fetch-url.ts';

const PUBLIC = { allowHttpLoopback: false };

function verdict(url: string, rules: Parameters<typeof checkedAddress>[1] = PUBLIC): string {
  try {
    return checkedAddress(url, rules).href;
  } catch (error) {
    return (error as ServiceError).code;
  }
}

/** IANA's registries of 2025 and what clouds add, as they are printed there: first addresses, last ones, and those in use. */
const INSIDE = `
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.255
168.63.129.16 169.254.0.0 169.254.169.254 169.254.170.2 169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192
192.0.0.255 192.0.2.0 192.0.2.255 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1
203.0.113.255 224.0.0.0 239.255.255.255 240.0.0.0 255.255.255.255
[::] [::1] [::ffff:127.0.0.1] [::ffff:8.8.8.8] [::127.0.0.1] [::7f00:1] [::ffff:a9fe:a9fe] [64:ff9b::7f00:1] [64:ff9b::8.8.8.8]
[64:ff9b:1::1] [100::1] [fc00::1] [fdff:ffff::1] [fd00:ec2::254] [fe80::1] [febf::1] [fec0::1] [ff02::1] [2001::1]
[2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:2::1] [2001:10::1] [2001:20::1] [2001:1ff:ffff::1] [2001:db8::1]
[2002:7f00:1::1] [2002:a9fe:a9fe::] [3ffe::1] [3fff::1] [3fff:fff:ffff::1] [5f00::1] [4000::1] [1fff:ffff::1]`
  .trim()
  .split(/\s+/);

/** The neighbours of those, and well-known ones. */
const OUTSIDE = `
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
203.0.114.0 223.255.255.255
[2606:4700:4700::1111] [2001:200::1] [2001:4860:4860::8888] [2001:db7::1] [2001:db9::1] [2003::1] [2a00::1] [3ffd::1]
[3fff:1000::1] [2620:fe::fe]`
  .trim()
  .split(/\s+/);

describe('addresses', () => {
  it.each(INSIDE)('%s is refused', (host) => {
    expect(verdict(`https://${host}/x`)).toBe('address-refused');
  });

  it.each(OUTSIDE)('%s is taken', (host) => {
    expect(verdict(`https://${host}/x`)).toMatch(/^https:/);
  });

  it.each([
    ['decimal', 'https://2130706433/'],
    ['decimal metadata', 'https://2852039166/'],
    ['hexadecimal', 'https://0x7f000001/'],
    ['hexadecimal parts', 'https://0xA9.0xFE.0xA9.0xFE/'],
    ['octal parts', 'https://0177.0.0.01/'],
    ['octal of all', 'https://017700000001/'],
    ['short', 'https://127.1/'],
    ['shorter', 'https://0/'],
    ['a dot at the end', 'https://127.0.0.1./'],
    ['full-width digits', 'https://１２７.０.０.１/'],
    ['circled digits', 'https://①⑦②.①⑥.⓪.①/'],
    ['ideographic dots', 'https://127。0。0。1/'],
    ['percent signs', 'https://%31%32%37.0.0.1/'],
    ['tabs and new lines', 'https://12\t7.0.\n0.1/'],
    ['a back slash', 'https:\\\\127.0.0.1\\x'],
    ['many slashes', 'https://///127.0.0.1/'],
    ['no slashes', 'https:127.0.0.1'],
    ['space before', '  https://127.0.0.1'],
    ['mapped, all written', 'https://[0:0:0:0:0:FFFF:127.0.0.1]/'],
    ['mapped with zeros', 'https://[0000:0000:0000:0000:0000:ffff:7f00:0001]/'],
    ['localhost', 'https://localhost/'],
    ['localhost in capitals', 'https://LOCALHOST/'],
    ['localhost with a dot', 'https://localhost./'],
    ['below localhost', 'https://a.localhost/'],
    ['mDNS', 'https://printer.local/'],
    ['internal', 'https://metadata.google.internal/'],
    ['internal with a dot', 'https://metadata.google.internal./'],
    ['a home network', 'https://router.home.arpa/'],
    ['an onion', 'https://abc.onion/'],
    ['one label', 'https://intranet/'],
    ['one label with a dot', 'https://metadata./'],
    ['two dots', 'https://example.com../'],
    ['a user', 'https://user@example.com/'],
    ['a user that looks like a host', 'https://example.com@127.0.0.1/'],
    ['a password', 'https://:secret@example.com/'],
    ['http', 'http://example.com/'],
    ['ftp', 'ftp://example.com/'],
    ['file', 'file:///etc/passwd'],
    ['data', 'data:image/png;base64,AAAA'],
    ['javascript', 'javascript:alert(1)'],
    ['blob', 'blob:https://example.com/1'],
    ['SSH', 'https://example.com:22/'],
    ['SMTP', 'https://example.com:25/'],
    ['port 80', 'https://example.com:80/'],
    ['Redis', 'https://example.com:6379/'],
    ['IRC', 'https://example.com:6667/'],
    ['port 0', 'https://example.com:0/'],
    ['a relative address', '/etc/passwd'],
    ['nothing', ''],
    ['3,000 characters', `https://example.com/${'a'.repeat(3_000)}`],
  ])('%s is refused', (_name, url) => {
    expect(verdict(url)).toBe('address-refused');
  });

  it.each([
    ['https://example.com/a.png?x=1#part', 'https://example.com/a.png?x=1'],
    ['https://EXAMPLE.com:443/', 'https://example.com/'],
    ['https://example.com:8443/', 'https://example.com:8443/'],
    ['https://example.com./', 'https://example.com./'],
    ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
    ['https://localhost.example.com/', 'https://localhost.example.com/'],
    ['https://127.0.0.1.example.com/', 'https://127.0.0.1.example.com/'],
  ])('%s is taken as %s', (url, as) => {
    expect(verdict(url)).toBe(as);
  });
});

describe('any IPv4 address, written in any way', () => {
  const bits = (address: string) =>
    address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  /** By another road than the code: as text of ones and zeros. */
  const REFUSED =
    `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
    192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`
      .trim()
      .split(/\s+/)
      .map((range) => bits(range.split('/')[0] ?? '').slice(0, Number(range.split('/')[1])));
  const part = fc.integer({ min: 0, max: 255 });
  const near = fc.constantFrom(0, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224, 255);
  const form = fc.constantFrom<(n: number) => string>(
    (n) => String(n),
    (n) => `0x${n.toString(16)}`,
    (n) => `0${n.toString(8)}`,
  );

  it('is judged by its range', () => {
    const seen = { inside: 0, outside: 0 };
    fc.assert(
      fc.property(fc.oneof(near, part), part, part, part, form, form, (a, b, c, d, f, g) => {
        const dotted = [a, b, c, d].join('.');
        const inside = REFUSED.some((range) => bits(dotted).startsWith(range));
        seen[inside ? 'inside' : 'outside']++;
        const whole = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
        const written = [
          dotted,
          f(whole),
          [f(a), g(b), f(c), g(d)].join('.'),
          `${f(a)}.${g(b)}.${f(c * 256 + d)}`,
          `${f(a)}.${g(b * 65_536 + c * 256 + d)}`,
        ];
        const want = inside ? 'address-refused' : `https://${dotted}/`;
        for (const host of written) expect(verdict(`https://${host}`), host).toBe(want);
        const mapped = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        for (const dress of [`::ffff:${dotted}`, `::${dotted}`, `64:ff9b::${mapped}`, `2002:${mapped}::1`]) {
          expect(verdict(`https://[${dress}]/`), dress).toBe('address-refused');
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.inside, seen.outside)).toBeGreaterThan(50);
  });

  it('and no text at all makes it throw anything else, or name a host that is not public', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.string().map((text) => `https://${text}`),
        ),
        (url) => {
          const answer = verdict(url);
          if (answer !== 'address-refused') expect(verdict(answer)).toBe(answer);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('rules', () => {
  const local = { allowHttpLoopback: true };
  it.each([
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/'],
    ['http://127.8.8.8/', 'http://127.8.8.8/'],
    ['http://[::1]:22/', 'http://[::1]:22/'],
    ['http://localhost:6379/', 'http://localhost:6379/'],
    ['https://localhost/', 'https://localhost/'],
    ['https://example.com/', 'https://example.com/'],
    ['http://example.com/', 'address-refused'],
    ['http://10.0.0.1/', 'address-refused'],
    ['https://169.254.169.254/', 'address-refused'],
    ['http://0.0.0.0/', 'address-refused'],
    ['http://[::ffff:127.0.0.1]/', 'address-refused'],
    ['http://localhost.evil.example/', 'address-refused'],
    ['ftp://localhost/', 'address-refused'],
  ])('for development %s is %s', (url, as) => {
    expect(verdict(url, local)).toBe(as);
  });

  it.each([
    ['https://cdn.example/a', true],
    ['https://CDN.example./a', true],
    ['https://a.shop.example/', true],
    ['https://a.b.shop.example/', true],
    ['https://shop.example/', false],
    ['https://evilshop.example/', false],
    ['https://cdn.example.evil.example/', false],
    ['https://a.cdn.example/', false],
    ['https://.shop.example/', false],
    ['https://8.8.8.8/', false],
  ])('of a list of hosts: %s', (url, taken) => {
    const allowedHosts = ['cdn.example', '*.shop.example'];
    expect(verdict(url, { ...PUBLIC, allowedHosts }) !== 'address-refused').toBe(taken);
    expect(verdict(url, { ...PUBLIC, allowedHosts: [] })).toBe('address-refused');
  });
});
