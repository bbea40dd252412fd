import { ServiceError } from '../../errors.ts';

export interface Address {
  readonly model: string;
  /** Digits; a label is looked up before. */
  readonly version: string | undefined;
  readonly label: string | undefined;
  readonly call: 'status' | 'metadata' | 'predict' | 'classify' | 'regress';
}

/** As http_rest_api_util.cc reads them, letters of either case; GET and POST have a form each. */
const CALL = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+)|\/labels\/([^/:]+))?:(classify|regress|predict)$/i;
const LOOK = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+)|\/labels\/([^/:]+))?(\/metadata)?$/i;

/** @throws ServiceError `bad-request` `Malformed request: …` */
export function addressOf(method: string, path: string): Address {
  // Some clients escape the colon, which a path may have as it is (RFC 3986, section 3.3).
  const plain = path.replaceAll(/%3a/gi, ':');
  const call = method === 'POST' ? CALL.exec(plain) : null;
  const look = method === 'GET' || method === 'HEAD' ? LOOK.exec(plain) : null;
  const [, model, version, label, last] = call ?? look ?? [];
  if (!model) {
    throw new ServiceError(
      'bad-request',
      `Malformed request: ${method} ${path.slice(0, 200)}.`,
      'GET /v1/models/{model}[/versions/{n}|/labels/{label}][/metadata], or POST …:predict or …:classify.',
    );
  }
  const name = call ? (last?.toLowerCase() as 'predict' | 'classify' | 'regress') : last ? 'metadata' : 'status';
  return { model, version, label, call: name };
}
