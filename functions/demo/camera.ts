import { part } from './dom.ts';
import type { Intake } from './intake.ts';
import { Problem } from './problem.ts';

/** Full HD is more than any model here looks at, and stays far below the largest body. */
const WANTED: MediaStreamConstraints = {
  video: { facingMode: 'environment', width: { ideal: 1920 }, height: { ideal: 1080 } },
};

/** The button that opens the camera in `box`; the camera is let go as soon as that closes. */
export function listenForCamera(button: HTMLButtonElement, box: HTMLDialogElement, intake: Intake): void {
  const video = part(box, 'video', HTMLVideoElement);
  const take = part(box, '[value=take]', HTMLButtonElement);
  /** Of the last press: a camera that comes after the box was closed is let go at once. */
  let wanted = 0;

  button.addEventListener('click', async () => {
    const mine = ++wanted;
    take.disabled = true;
    box.showModal();
    try {
      const stream = await openCamera();
      if (mine !== wanted || !box.open) return letGo(stream);
      video.srcObject = stream;
      await video.play();
      take.disabled = false;
    } catch (error) {
      // Closing ends a play() that has not begun.
      if (!box.open) return;
      box.close();
      intake.onProblem(problemOf(error));
    }
  });
  take.addEventListener('click', async () => {
    take.disabled = true;
    const blob = await still(video);
    box.close();
    intake.onPictures([{ blob, name: 'camera.jpg' }]);
  });
  part(box, '[value=close]', HTMLButtonElement).addEventListener('click', () => box.close());
  // Escape closes a dialog too.
  box.addEventListener('close', () => {
    if (video.srcObject instanceof MediaStream) letGo(video.srcObject);
    video.srcObject = null;
  });
}

function openCamera(): Promise<MediaStream> {
  // Browsers give it to pages that came over https or from this device alone.
  if (!navigator.mediaDevices) throw new DOMException('no secure context', 'SecurityError');
  return navigator.mediaDevices.getUserMedia(WANTED);
}

const letGo = (stream: MediaStream) => {
  for (const track of stream.getTracks()) track.stop();
};

async function still(video: HTMLVideoElement): Promise<Blob> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 });
}

/** By the names of Media Capture and Streams, section 10.2 (getUserMedia). */
const PROBLEMS: Readonly<Record<string, readonly [title: string, detail: string]>> = {
  NotAllowedError: ['The camera was refused', 'Allow it in the browser’s settings for this page, or choose a file.'],
  NotFoundError: ['There is no camera', 'This device has none that the browser knows. Choose a file.'],
  NotReadableError: ['The camera is busy', 'Another program may be using it. Close that, or choose a file.'],
  SecurityError: ['No camera without https', 'This page came over plain http. Open it over https, or choose a file.'],
};

function problemOf(cause: unknown): Problem {
  const name = cause instanceof DOMException ? cause.name : '';
  const [title, detail] = PROBLEMS[name] ?? ['The camera did not start', 'Choose a file in its place.'];
  return new Problem(title, detail, { cause });
}
