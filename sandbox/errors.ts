/**
 * An error that the user can mend: the message says what is wrong, `fix` says what to do about it.
 * Everything else that is thrown here is a defect.
 */
export class SandboxError extends Error {
    /** What the user can do about it, as a full sentence. */
    readonly fix: string;

    constructor(message: string, fix: string, options?: ErrorOptions) {
        super(message, options);
        this.name = "SandboxError";
        this.fix = fix;
    }
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`), or undefined for everything else. */
export function systemCode(error: unknown): string | undefined {
    return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
