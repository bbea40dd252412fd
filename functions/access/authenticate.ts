import { decodeProtectedHeader } from 'jose';
import { ServiceError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { credentialOf } from './credentials.ts';
import { noCredentials, unknownKey } from './errors.ts';
import { type JwtIssuer, Jwts } from './jwt.ts';
import { idOfKey } from './key.ts';
import { Keys } from './keys.ts';
import { TOKEN_TYPE, Tokens } from './tokens.ts';

/** Set by Cloudflare Access on what it lets through; anybody else can set it too, so it is verified like any token. */
const ASSERTION = 'cf-access-jwt-assertion';

/** A request → who it is from. */
export class Authenticator {
  readonly tokens: Tokens;
  readonly #keys: Keys;
  readonly #jwts: Jwts | undefined;

  constructor(parts: { database: D1Database; tokenSecret?: string | undefined; jwt?: JwtIssuer | undefined }) {
    this.#keys = new Keys(parts.database);
    this.tokens = new Tokens({ database: parts.database, keys: this.#keys, secret: parts.tokenSecret });
    this.#jwts = parts.jwt && new Jwts(parts.jwt);
  }

  /**
   * @param suspect is awaited before the database is asked, and once for whatever is refused; what it throws stands
   * @throws ServiceError `unauthorized`, `forbidden` or `bad-request`
   */
  async callerOf(headers: Headers, suspect: () => Promise<void>): Promise<Caller> {
    let suspected = false;
    const once = async () => {
      if (suspected) return;
      suspected = true;
      await suspect();
    };
    try {
      return await this.#prove(headers, once);
    } catch (error) {
      if (error instanceof ServiceError) await once();
      throw error;
    }
  }

  async #prove(headers: Headers, suspect: () => Promise<void>): Promise<Caller> {
    const given = credentialOf(headers) ?? (this.#jwts && (headers.get(ASSERTION) ?? undefined));
    if (given === undefined) throw noCredentials();
    if (idOfKey(given) !== undefined) {
      const key = await this.#keys.present(given, suspect);
      return { id: `key:${key.id}`, key, routes: key.routes, models: key.models };
    }
    // Which of the two it claims to be: each is then verified by its own algorithms and keys.
    if (typeOf(given) === TOKEN_TYPE) return this.tokens.present(given, headers.get('origin'), suspect);
    if (this.#jwts && given.split('.').length === 3) return this.#jwts.present(given);
    throw unknownKey();
  }
}

function typeOf(text: string): string | undefined {
  try {
    return decodeProtectedHeader(text).typ;
  } catch {
    return undefined;
  }
}
