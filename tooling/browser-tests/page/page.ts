// What the page and its worker load. `page.evaluate` calls `inPage` and `inWorker`; a worker answers each message.

import { imageOf, outcome } from './outcome.ts';
import type { Outcome, Task } from './outcome.ts';

/** The little of a browser's globals that is used here. */
interface WorkerLike {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: ((event: { readonly message: string }) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}
declare const Worker: new (url: string, options: { readonly type: 'module' }) => WorkerLike;
const scope = globalThis as unknown as WorkerLike & { readonly document?: object };

/** Runs a guest here. */
export async function inPage(task: Task): Promise<Outcome> {
  const answer = await fetch(imageOf(task.guest));
  return outcome(task, new Uint8Array(await answer.arrayBuffer()));
}

/** Runs a guest in a worker of its own. */
export function inWorker(task: Task): Promise<Outcome> {
  const worker = new Worker(import.meta.url, { type: 'module' });
  return new Promise<Outcome>((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      resolve(data as Outcome);
    };
    worker.onerror = ({ message }) => {
      reject(new Error(message));
    };
    worker.postMessage(task);
  }).finally(() => {
    worker.terminate();
  });
}

if (scope.document === undefined) {
  scope.onmessage = ({ data }) => {
    inPage(data as Task).then(
      (result) => {
        scope.postMessage(result);
      },
      (error: unknown) => {
        // an error of a worker's promise reaches nobody: thrown from here it reaches `onerror`
        setTimeout(() => {
          throw error;
        });
      },
    );
  };
}
