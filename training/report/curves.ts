import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ticks } from './plot.ts';
import { type Drawing, joined, short, text } from './svg.ts';

/** An epoch of training: a line of `metrics.jsonl`, of which only this is looked at. */
const epochSchema = z.object({
  epoch: z.int().positive(),
  loss: z.number(),
  accuracy: z.number(),
  validationLoss: z.number().optional(),
  validationAccuracy: z.number().optional(),
});
export type Epoch = z.infer<typeof epochSchema>;

/**
 * In order; of an epoch that a resumed run did again the last, and nothing of a line that was cut off.
 * @returns nothing where there is no such file
 */
export async function readEpochs(file: string): Promise<Epoch[]> {
  const lines = await readFile(file, 'utf8').catch(() => '');
  const epochs = new Map<number, Epoch>();
  for (const line of lines.split('\n')) {
    const epoch = epochSchema.safeParse(parsed(line)).data;
    if (epoch) epochs.set(epoch.epoch, epoch);
  }
  return [...epochs.values()].sort((a, b) => a.epoch - b.epoch);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Loss and accuracy over the epochs, of training and of validation. */
export function learningCurves(epochs: readonly Epoch[]): Drawing {
  const loss = curves(
    'Loss',
    epochs,
    ({ loss }) => loss,
    ({ validationLoss }) => validationLoss,
  );
  const accuracy = curves(
    'Accuracy',
    epochs,
    (e) => e.accuracy,
    ({ validationAccuracy }) => validationAccuracy,
  );
  return joined('Learning curves', [loss, accuracy], 'row');
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT] = [468, 280, 44, 34, 38, 12];
type Value = (epoch: Epoch) => number | undefined;

function curves(title: string, epochs: readonly Epoch[], training: Value, validation: Value): Drawing {
  const values = epochs.flatMap((epoch) => [training(epoch), validation(epoch)]).filter((v) => v !== undefined);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low) * 0.05 || 0.01;
  [low, high] = [low - margin, high + margin];
  const [from, to] = [epochs[0]?.epoch ?? 0, epochs.at(-1)?.epoch ?? 1];
  const x = (epoch: number) => LEFT + ((epoch - from) / Math.max(to - from, 1)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const across = ticks(low, high).map(
    (tick) =>
      `<path class="grid" d="M${LEFT} ${short(y(tick))}H${WIDTH - RIGHT}"/>${text(LEFT - 6, y(tick) + 4, short(Number(tick.toPrecision(3))), { anchor: 'end', kind: 'note' })}`,
  );
  const along = ticks(from, Math.max(to, from + 1))
    .filter(Number.isInteger)
    .map((tick) => text(x(tick), HEIGHT - BOTTOM + 18, String(tick), { anchor: 'middle', kind: 'note' }));
  const line = (value: Value, kind: string) => {
    const points = epochs.flatMap((epoch) => {
      const at = value(epoch);
      return at === undefined ? [] : [`${short(x(epoch.epoch))} ${short(y(at))}`];
    });
    const dots =
      points.length === 1
        ? `<circle r="3" cx="${points[0]?.split(' ')[0]}" cy="${points[0]?.split(' ')[1]}" class="fill ${kind}"/>`
        : '';
    return points.length === 0 ? '' : `<path class="line ${kind}" d="M${points.join('L')}"/>${dots}`;
  };
  const key = (at: number, kind: string, words: string) =>
    `<path class="line ${kind}" d="M${at} 16h18"/>${text(at + 24, 20, words, { kind: 'note' })}`;
  const body = [
    text(LEFT, 20, title, { kind: 'title' }),
    key(WIDTH - 200, 'first', 'training'),
    ...(epochs.some((epoch) => validation(epoch) !== undefined) ? [key(WIDTH - 104, 'second', 'validation')] : []),
    ...across,
    ...along,
    line(training, 'first'),
    line(validation, 'second'),
    text(WIDTH - RIGHT, HEIGHT - 2, 'epoch', { anchor: 'end', kind: 'note' }),
  ];
  return { title, width: WIDTH, height: HEIGHT, body: body.join('') };
}
