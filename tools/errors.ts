import { RunError } from "@pulumi/pulumi";

/**
 * An error that the user can mend: the message says what is wrong, `fix` what to do about it.
 * Everything else that reaches the terminal is a defect of ours, and is shown with its stack.
 */
export class UserError extends Error {
    /** What the user can do about it, as a full sentence. */
    readonly fix: string | undefined;

    constructor(message: string, fix?: string, options?: ErrorOptions) {
        super(message, options);
        this.name = "UserError";
        this.fix = fix;
    }
}

/** Somebody pressed Ctrl-C, or told the process to end: not a failure, and nothing to explain. */
export class Interrupted extends Error {
    constructor() {
        super("interrupted");
        this.name = "Interrupted";
    }
}

/** What a person sees of an error: its message and the way to mend it; the stack only of a defect. */
export function describeError(error: unknown): string {
    if (!(error instanceof Error)) {
        return String(error);
    }
    const fix = "fix" in error && typeof error.fix === "string" ? error.fix : undefined;
    if (fix !== undefined) {
        return `${error.message}\n  ${fix}`;
    }
    const expected = error instanceof UserError || error instanceof RunError;
    return expected ? error.message : (error.stack ?? error.message);
}

/** The first line of a longer text, for places that have room for one. */
export function firstLine(text: string): string {
    return text.trim().split("\n", 1)[0] ?? "";
}
