import { Interrupted } from "./errors";

const controller = new AbortController();
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

type Signal = keyof typeof exitCodes;

let received: { signal: Signal; at: number } | undefined;
const forceful: (() => void)[] = [];

/** Aborts when the user wants to stop. */
export const interruption = controller.signal;

/** Whether, and by the code to exit with, the user wants to stop. */
export function interruptionCode(): number | undefined {
    return received === undefined ? undefined : exitCodes[received.signal];
}

/** Throws when the user wants to stop. */
export function throwIfInterrupted(): void {
    if (received !== undefined) {
        throw new Interrupted();
    }
}

/** Runs `stop` when the user insists, instead of waiting for an orderly end. Returns how to take it back. */
export function onInsistence(stop: () => void): () => void {
    forceful.push(stop);
    return () => void forceful.splice(forceful.indexOf(stop), 1);
}

/**
 * From now on a first Ctrl-C (or a polite kill) asks everything under way to end; a second one ends it by force.
 * `notice` is told of the first.
 */
export function watchSignals(notice: () => void): void {
    const handle = (signal: Signal) => {
        if (received !== undefined) {
            // One Ctrl-C can arrive twice: from the terminal, and from npm, which hands it on.
            if (Date.now() - received.at > 700) {
                forceful.forEach((stop) => stop());
                process.exit(exitCodes[signal]);
            }
            return;
        }
        received = { signal, at: Date.now() };
        notice();
        controller.abort(new Interrupted());
    };
    process.on("SIGINT", handle).on("SIGTERM", handle).on("SIGHUP", handle);
}
