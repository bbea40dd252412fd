import { AnswerView } from './answer-view.ts';
import {
  type Answer,
  classify,
  type Detail,
  detailOf,
  type Explanation,
  explain,
  listModels,
  type Model,
  TOP_K,
  type Wishes,
} from './api.ts';
import { listenForCamera } from './camera.ts';
import { CompareView } from './compare-view.ts';
import { CurlView } from './curl.ts';
import { part } from './dom.ts';
import { ExplanationView } from './explanation-view.ts';
import { GroupsView } from './groups-view.ts';
import { HistoryView } from './history-view.ts';
import { EngineHere } from './in-browser/client.ts';
import { HereSwitch } from './in-browser/switch.ts';
import { listenForPictures } from './intake.ts';
import { JobsView } from './jobs-view.ts';
import { KeyField } from './key-field.ts';
import { ModelChooser } from './model-chooser.ts';
import { OwnClasses } from './own-classes.ts';
import { type Picture, shrink } from './picture.ts';
import { PictureView } from './picture-view.ts';
import { Problem, type Remedy } from './problem.ts';
import { ProblemView } from './problem-view.ts';
import { ReceiptView } from './receipt-view.ts';
import { listenForSamples, markSample } from './samples.ts';
import { listenForTheme } from './theme.ts';

const byId = (id: string) => part(document, `#${id}`, HTMLElement);

listenForTheme(part(document, '#theme', HTMLButtonElement));
const chooser = new ModelChooser(part(document, '.models', HTMLElement), chosen);
const answerView = new AnswerView(byId('answer'));
const pictureView = new PictureView(byId('answer'));
const explanationView = new ExplanationView(byId('answer'), () => explainAgain());
const curlView = new CurlView(byId('curl'));
const problemView = new ProblemView(byId('problem'), remedy);
const compareView = new CompareView(byId('answer'), () => picture && ask(picture));
const historyView = new HistoryView(byId('history'), (given) => ask(given));
const hereSwitch = new HereSwitch(byId('here'), () => picture && ask(picture));
const engineHere = new EngineHere((loaded, total) => hereSwitch.progress(loaded, total));
const own = new OwnClasses(byId('own'), {
  change: () => picture && ask(picture),
  problem: (problem) => problemView.show(problem),
});
const groupsView = new GroupsView(byId('groups'), (group) => askWithin(group));
const receiptView = new ReceiptView(byId('receipt'), engineHere, () => {
  const model = chooser.chosen;
  return picture && model && { picture, model };
});
const jobsView = new JobsView(byId('jobs'), (problem) => problemView.show(problem));
const keyField = new KeyField(part(document, '#key', HTMLDetailsElement), () => start());
const samples = byId('samples');

let picture: Picture | undefined;
/** What the chosen model has to say beside its classes. */
let detail: Promise<Detail> = Promise.resolve({ wishes: {}, certainty: undefined });
/** Cancels the question in flight: a newer one makes its answer stale. */
let asking = new AbortController();

const intake = { onPictures: askAll, onProblem: (problem: Problem) => problemView.show(problem) };
listenForPictures(byId('zone'), intake);
listenForSamples(samples, intake);
listenForCamera(part(document, '#camera', HTMLButtonElement), part(document, '#camera-box', HTMLDialogElement), intake);
// Not awaited: the page is painted once this file has run.
void start();

/** Learns which models there are; a picture that came in the meantime is answered then. */
async function start(): Promise<void> {
  try {
    chooser.offer(await listModels());
    problemView.hide();
    if (chooser.chosen) chosen(chooser.chosen);
    await Promise.all([jobsView.refresh(), receiptView.offer()]);
  } catch (error) {
    chooser.fail('The list of models did not come.');
    fail(error);
  }
}

function chosen(model: Model): void {
  samples.hidden = model.input.resize.rule !== 'fashion';
  compareView.offer(model, chooser.models);
  hereSwitch.offer(model);
  detail = detailOf(model);
  void chooser.tellCertainty(model, detail);
  void own.offer(model);
  if (picture) ask(picture);
}

/** One after the other, until something else is asked; what is wrong with one is told of that one. */
async function askAll(pictures: readonly Picture[]): Promise<void> {
  for (const given of pictures) {
    const answered = ask(given);
    const { signal } = asking;
    await answered;
    if (signal.aborted) return;
  }
}

async function ask(given: Picture): Promise<void> {
  picture = given;
  const model = chooser.chosen;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  markSample(samples, given.path);
  if (!model) return;
  problemView.hide();
  answerView.wait();
  explanationView.clear();
  compareView.clear();
  groupsView.clear();
  part(document, '.verdict', HTMLElement).scrollIntoView({ block: 'nearest' });
  const { wishes: wanted } = await detail;
  if (signal.aborted) return;
  showCurl(given, model, wanted);
  // One after the other: preparing the picture holds up the thread, and the time of the answer would count it.
  await pictureView.show(given, model.input, signal).catch(console.error);
  if (signal.aborted) return;
  try {
    const answer = await answered(model, given, signal, wanted);
    answerView.show(answer, model.task);
    groupsView.show(answer);
    receiptView.ready();
    historyView.add(given, answer.predictions[0]?.label ?? 'No answer', model.id);
    await compareAnswer(given, answer, signal);
    if (explanationView.wanted) await explainAnswer(given, model, signal);
  } catch (error) {
    if (signal.aborted) return;
    fail(error);
    historyView.add(given, Problem.from(error).title, model.id);
  }
}

/** By the engine in this browser, where the visitor wants it, or by the service. */
async function answered(model: Model, given: Picture, signal: AbortSignal, wanted: Wishes = {}): Promise<Answer> {
  const { id, runtime } = model;
  const head = id === chooser.chosen?.id ? own.head : undefined;
  if (head) return classify(id, given.blob, signal, { head });
  if (!hereSwitch.on || runtime !== 'int8') return classify(id, given.blob, signal, wanted);
  return engineHere.classify(id, given.blob, { topK: TOP_K, ...wanted, signal });
}

/** The picture that stands there, among the classes of a group. @returns undefined where another is asked meanwhile */
async function askWithin(within: string): Promise<Answer | undefined> {
  const model = chooser.chosen;
  const { signal } = asking;
  if (!picture || !model) return undefined;
  const answer = await answered(model, picture, signal, { within });
  return signal.aborted ? undefined : answer;
}

async function explained(model: Model, { blob }: Picture, signal: AbortSignal): Promise<Explanation | undefined> {
  if (!hereSwitch.on) return explain(model, blob, signal);
  return (await engineHere.classify(model.id, blob, { topK: 1, explain: model.explanation, signal })).explanation;
}

async function compareAnswer(given: Picture, answer: Answer, signal: AbortSignal): Promise<void> {
  const other = compareView.chosen;
  if (!other) return;
  try {
    const second = await answered(other, given, signal);
    if (!signal.aborted) compareView.show(answer, second);
  } catch (error) {
    if (!signal.aborted) compareView.fail(error);
  }
}

/** The switch was turned: the answer stays, heat comes or goes. */
async function explainAgain(): Promise<void> {
  const model = chooser.chosen;
  if (!picture || !model) return;
  showCurl(picture, model, (await detail).wishes);
  // An answer that is on its way brings its explanation with it.
  if (answerView.waiting) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  explanationView.clear();
  if (explanationView.wanted) await explainAnswer(picture, model, signal);
}

/** An explanation that fails leaves the answer as it is. */
async function explainAnswer(given: Picture, model: Model, signal: AbortSignal): Promise<void> {
  explanationView.wait();
  try {
    const explanation = await explained(model, given, signal);
    if (!signal.aborted && explanation) explanationView.show(explanation);
  } catch (error) {
    if (signal.aborted) return;
    explanationView.clear();
    problemView.show(Problem.from(error));
  }
}

function showCurl(given: Picture, model: Model, wanted: Wishes): void {
  const explain = explanationView.wanted ? model.explanation : undefined;
  curlView.show(given, model.id, { explain, ...(own.head ? { head: own.head } : wanted) });
}

function fail(error: unknown): void {
  answerView.clear();
  const problem = Problem.from(error);
  problemView.show(problem);
  if (problem.needsKey) keyField.ask();
}

async function remedy(kind: Remedy): Promise<void> {
  if (!chooser.chosen) return start();
  if (!picture) return;
  if (kind === 'retry') return ask(picture);
  try {
    await ask(await shrink(picture));
  } catch (error) {
    fail(
      new Problem(
        'This browser cannot make it smaller',
        'It does not read this kind of picture. Choose a JPEG or PNG.',
        {
          cause: error,
        },
      ),
    );
  }
}
