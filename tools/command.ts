import { CommanderError, type Command } from "commander";
import { describeError, Interrupted } from "./errors";
import { interruptionCode, watchSignals } from "./interrupts";
import { refuseSwallowedOptions } from "./npmArguments";
import { currentDisplay } from "./steps";

/**
 * Runs a command to the end of the process: errors are shown in words, Ctrl-C ends it in order with `continuation`
 * as the last line, and the exit code is right.
 */
export async function runCommand(command: Command, continuation: () => string): Promise<void> {
    watchSignals(() => {
        // On a terminal the step that runs says so itself, in place.
        if (!currentDisplay().interactive) {
            process.stderr.write("\nStopping what is under way; press Ctrl-C again to stop at once.\n");
        }
    });
    command.exitOverride();
    try {
        refuseSwallowedOptions(command);
        await command.parseAsync();
        // Signals that came when all was done change nothing any more.
        process.exit(process.exitCode ?? 0);
    } catch (error) {
        process.exit(report(error, continuation()));
    }
}

function report(error: unknown, continuation: string): number {
    const interrupted = interruptionCode();
    if (interrupted !== undefined || error instanceof Interrupted) {
        process.stderr.write(`Stopped. ${continuation}\n`);
        return interrupted ?? 130;
    }
    if (error instanceof CommanderError) {
        // commander has said it already: help, or what is wrong with the arguments.
        return error.exitCode;
    }
    process.stderr.write(`\n${describeError(error)}\n`);
    return 1;
}
