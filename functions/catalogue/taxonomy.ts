import { z } from 'zod';

/** Which classes belong together: `taxonomy.json` of a model folder, beside its labels. */

const name = z.string().min(1).max(100);

export const taxonomySchema = z.strictObject({
  /** Where the groups come from. */
  source: z.string().max(500).optional(),
  groups: z
    .array(
      z.strictObject({
        label: name,
        /** ImageNet's language-neutral name of the group, where it has one. */
        synset: name.optional(),
        /** Places of classes in the model's output, and labels of narrower groups. */
        of: z.array(z.union([z.int().nonnegative(), name])).min(1),
      }),
    )
    .min(1)
    .max(1000),
});

export interface Group {
  readonly label: string;
  readonly synset: string | undefined;
  /** Places of all classes in it, lowest first. */
  readonly classes: readonly number[];
  /** Those that are in no narrower group of it. */
  readonly own: readonly number[];
  /** Labels of the groups that it is a part of, nearest first. */
  readonly within: readonly string[];
}

/** In the order of the file. */
export type Taxonomy = readonly Group[];

/**
 * @param value parsed JSON of `taxonomy.json`
 * @param classes how many the model has
 * @throws Error saying what is wrong: a form, a class or group that is not there, a label twice, a group within itself
 */
export function taxonomyOf(value: unknown, classes: number): Taxonomy {
  const parsed = taxonomySchema.safeParse(value);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { groups } = parsed.data;
  const byLabel = new Map(groups.map((group) => [group.label, group]));
  if (byLabel.size < groups.length) {
    const twice = groups.find((group) => byLabel.get(group.label) !== group);
    throw new Error(`names "${twice?.label}" twice`);
  }
  const known = new Map<string, ReadonlySet<number>>();
  const path: string[] = [];
  const classesOf = (label: string): ReadonlySet<number> => {
    const before = known.get(label);
    if (before) return before;
    if (path.includes(label))
      throw new Error(`has a cycle: ${[...path.slice(path.indexOf(label)), label].join(' > ')}`);
    const group = byLabel.get(label);
    if (!group) throw new Error(`puts a group "${label}" into "${path.at(-1)}", and there is none`);
    path.push(label);
    const all = new Set<number>();
    for (const member of group.of) {
      if (typeof member === 'number' && member >= classes) {
        throw new Error(`puts class ${member} into "${label}", and there are ${classes}`);
      }
      for (const index of typeof member === 'number' ? [member] : classesOf(member)) all.add(index);
    }
    path.pop();
    known.set(label, all);
    return all;
  };
  for (const { label } of groups) classesOf(label);
  return groups.map(({ label, synset, of }) => {
    const all = classesOf(label);
    const narrower = new Set(of.flatMap((member) => (typeof member === 'string' ? [...classesOf(member)] : [])));
    const sorted = [...all].sort((a, b) => a - b);
    const own = sorted.filter((index) => !narrower.has(index));
    return { label, synset, classes: sorted, own, within: widerThan(label, groups) };
  });
}

/** Breadth first, so that the nearest come first. */
function widerThan(label: string, groups: z.infer<typeof taxonomySchema>['groups']): string[] {
  const wider: string[] = [];
  for (let from = [label]; from.length > 0; ) {
    const next = groups.filter(({ of }) => of.some((member) => typeof member === 'string' && from.includes(member)));
    from = next.map((group) => group.label).filter((one) => !wider.includes(one));
    wider.push(...from);
  }
  return wider;
}
