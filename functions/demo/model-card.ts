import type { Model } from './api.ts';
import { span } from './dom.ts';

/** A radio button with what one wants to know before one chooses. */
export function modelCard(model: Model, checked: boolean): HTMLLabelElement {
  const card = document.createElement('label');
  card.className = 'card';
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = 'model';
  input.value = model.id;
  input.checked = checked;
  const accuracy = model.metrics ? `${percent(model.metrics.top1)} right` : '';
  card.append(input, span('title', model.title), span('accuracy', accuracy), span('facts', costsOf(model)));
  return card;
}

/** The data set and the rest, of the chosen one. */
export function factsOf({ parameters, metrics, memory, runtime, cascade }: Model): string {
  const accuracy =
    metrics && `${percent(metrics.top1)} right on ${metrics.dataset} (${metrics.n.toLocaleString('en')} pictures)`;
  const facts = [
    accuracy,
    ...(cascade ? sharesOf(cascade) : []),
    metrics?.agreement !== undefined && `agrees with its float original on ${percent(metrics.agreement)}`,
    `${parameters.toLocaleString('en')} parameters`,
    `${megabytes(memory.total)} in memory`,
    RUNTIMES[runtime],
  ];
  return facts.filter(Boolean).join(' · ');
}

/** How much of the large network a cascade does without, and what that changes. */
const sharesOf = ({ first, second, measured }: NonNullable<Model['cascade']>): string[] => [
  `${first} answers ${percent(measured.answeredByFirst)} alone, ${second} the rest`,
  `agrees with ${second} alone on ${percent(measured.agreement)}`,
  `${short(measured.meanMacs)} multiply-adds a picture in place of ${short(measured.secondMacs)}`,
];

function costsOf({ classes, macs, memory }: Model): string {
  const costs = [
    `${classes.toLocaleString('en')} classes`,
    macs !== undefined && `${short(macs)} multiply-adds`,
    `${megabytes(memory.total)} memory`,
  ];
  return costs.filter(Boolean).join(' · ');
}

const RUNTIMES: Readonly<Record<Model['runtime'], string>> = { tfjs: 'TF.js, float32', int8: '8-bit integers' };

const COUNT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** 7054848 → 7.05M */
const short = (count: number) => COUNT.format(count);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
