import { Listr } from "listr2";
import { formatDuration } from "./duration";
import { interruption, throwIfInterrupted } from "./interrupts";

/** Hears what a long step is doing, in words. */
export type Report = (text: string) => void;

/** One step of a command. */
export interface Step {
    title: string;
    /** Does it. What it returns is said beside the title when it is done. */
    work: (report: Report) => Promise<string | undefined>;
}

/** How a running step is shown: on a terminal in place, elsewhere in plain lines. */
export interface Display {
    interactive: boolean;
    write: (line: string) => void;
}

/** How often a step that takes long says so where each time makes a line. */
export const plainIntervalMs = 10_000;

/** The display for this process: plain lines unless somebody watches. */
export function currentDisplay(): Display {
    const interactive = process.stdout.isTTY && process.env.CI === undefined && process.env.TERM !== "dumb";
    return { interactive, write: (line) => void process.stdout.write(`${line}\n`) };
}

/** Runs steps one after the other and shows what they do, how far they are and how long they take. */
export async function runSteps(steps: readonly Step[], display = currentDisplay()): Promise<void> {
    if (display.interactive) {
        await runOnTerminal(steps);
        return;
    }
    for (const step of steps) {
        await runPlainly(step, display);
    }
}

async function runOnTerminal(steps: readonly Step[]): Promise<void> {
    const tasks = steps.map(({ title, work }) => ({
        title,
        task: async (_: unknown, task: { title?: string; output: string }) => {
            const start = Date.now();
            let latest = "";
            const show = () => {
                task.output = `${latest === "" ? "…" : latest} (${formatDuration(Date.now() - start)})`;
            };
            const say = (text: string) => {
                latest = interruption.aborted ? "stopping what is under way; Ctrl-C again stops it at once" : text;
                show();
            };
            const timer = setInterval(show, 1_000);
            const stopping = () => say("");
            interruption.addEventListener("abort", stopping);
            try {
                task.title = finished(title, await guarded(work, say), Date.now() - start);
            } finally {
                interruption.removeEventListener("abort", stopping);
                clearInterval(timer);
            }
        },
    }));
    // Signals are ours: listr2 would end the process with a code of its own.
    const rendererOptions = { showErrorMessage: false };
    const list = new Listr(tasks, { registerSignalListeners: false, rendererOptions });
    await list.run();
}

async function runPlainly({ title, work }: Step, { write }: Display): Promise<void> {
    const start = Date.now();
    let said = start;
    let latest = "";
    write(`${title} …`);
    const tell = () => {
        if (latest !== "" && Date.now() - said >= plainIntervalMs) {
            said = Date.now();
            write(`  ${latest} (${formatDuration(said - start)})`);
        }
    };
    // A step that has nothing new to say still says that it is alive.
    const timer = setInterval(tell, 1_000);
    try {
        const remark = await guarded(work, (text) => {
            latest = text;
            tell();
        });
        write(`✔ ${finished(title, remark, Date.now() - start)}`);
    } catch (error) {
        write(`✖ ${title} (${formatDuration(Date.now() - start)})`);
        throw error;
    } finally {
        clearInterval(timer);
    }
}

/** An interrupted step may end in many ways, even well; none of them means that the next one should begin. */
async function guarded(work: Step["work"], report: Report): Promise<string | undefined> {
    throwIfInterrupted();
    try {
        return await work(report);
    } finally {
        throwIfInterrupted();
    }
}

function finished(title: string, remark: string | undefined, milliseconds: number): string {
    return `${title}${remark === undefined ? "" : `: ${remark}`} (${formatDuration(milliseconds)})`;
}
