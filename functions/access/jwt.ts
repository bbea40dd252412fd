import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { ServiceError } from '../errors.ts';
import type { Caller } from './caller.ts';
import { refusedToken } from './errors.ts';
import { ALL, ROUTES } from './scopes.ts';

/** Signatures with a public key only; what the token's header says chooses among these, never another. */
const ALGORITHMS = ['RS256', 'ES256'];
const JWKS = { cacheMaxAge: 600_000, cooldownDuration: 30_000, timeoutDuration: 5_000 };
/** Clocks differ. */
const TOLERANCE_SECONDS = 5;

export interface JwtIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** Where its public keys stand, as JWKS. */
  readonly jwks: URL;
}

/** JWTs of an identity provider, such as Cloudflare Access. Its public keys are fetched once in ten minutes. */
export class Jwts {
  readonly #issuer: JwtIssuer;
  readonly #keys: JWTVerifyGetKey;

  constructor(issuer: JwtIssuer) {
    this.#issuer = issuer;
    this.#keys = createRemoteJWKSet(issuer.jwks, JWKS);
  }

  /** @throws ServiceError `unauthorized`; `busy` where the keys of the provider cannot be had */
  async present(token: string): Promise<Caller> {
    const { issuer, audience } = this.#issuer;
    const { payload } = await jwtVerify(token, this.#keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      clockTolerance: TOLERANCE_SECONDS,
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw isOurTrouble(error) ? unreachable(error) : refusedToken(why(error), error);
    });
    return { id: `jwt:${nameOf(payload)}`, models: [ALL], routes: routesOf(payload) };
  }
}

/** A service token of Cloudflare Access has an empty subject and a common name. */
function nameOf({ sub, common_name: name }: JWTPayload): string {
  const named = sub || name;
  if (typeof named !== 'string') throw refusedToken('it names nobody');
  return named.slice(0, 100);
}

/** All, where whom the provider lets in is for it to say; those named, where the token has a scope (RFC 8693, section 4.2). */
function routesOf({ scope }: JWTPayload): readonly string[] {
  if (scope === undefined) return [ALL];
  const names = typeof scope === 'string' ? scope.split(' ') : [];
  return ROUTES.filter((route) => names.includes(route));
}

function why(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') return 'it is for another audience';
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss') return 'it is from another issuer';
  return 'its signature or form is not right';
}

/** What jose throws of a token has a class of its own; the rest is of the network or of the provider's answer. */
function isOurTrouble(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  return !(error instanceof errors.JOSEError) || error.code === 'ERR_JOSE_GENERIC';
}

function unreachable(cause: unknown): ServiceError {
  return new ServiceError(
    'busy',
    'The public keys of the identity provider cannot be fetched.',
    'Try again after the seconds that Retry-After says.',
    { retryAfterSeconds: 30, cause },
  );
}
