import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { sandboxStatus, stopSandbox } from "../sandbox";
import { runCommand } from "./command";
import { UserError } from "./errors";
import { sandboxDirectory, sandboxesDirectory } from "./project";
import { runSteps } from "./steps";

const command = new Command("npm stop --")
    .description("Ends the sandboxes that `npm start` made and removes them with everything in them.")
    .option("--stack <name>", "only the sandbox of this stack")
    .allowExcessArguments(false)
    .action(({ stack }: { stack?: string }) => stop(stack));

void runCommand(command, () => "`npm stop` again ends the rest.");

async function stop(only: string | undefined): Promise<void> {
    const stacks = await sandboxes();
    if (only !== undefined && !stacks.includes(only)) {
        const known = stacks.length === 0 ? "There is none." : `There are sandboxes of: ${stacks.join(", ")}.`;
        throw new UserError(`There is no sandbox of a stack "${only}".`, known);
    }
    const ending = only === undefined ? stacks : [only];
    if (ending.length === 0) {
        process.stdout.write("No sandbox runs; there is nothing to stop.\n");
    }
    await runSteps(
        ending.map((stack) => ({
            title: `Sandbox of the stack "${stack}"`,
            work: async (report) => {
                await stopSandbox({ directory: sandboxDirectory(stack), report });
                return "ended and removed";
            },
        })),
    );
    await removeIfEmpty();
}

/** The stacks that have a sandbox, running or not. Folders of anything else are none of ours. */
async function sandboxes(): Promise<string[]> {
    if (!existsSync(sandboxesDirectory)) {
        return [];
    }
    const entries = await readdir(sandboxesDirectory, { withFileTypes: true });
    const found: string[] = [];
    for (const entry of entries.filter((entry) => entry.isDirectory())) {
        const { state } = await sandboxStatus({ directory: join(sandboxesDirectory, entry.name) });
        found.push(...(state === "absent" ? [] : [entry.name]));
    }
    return found.sort();
}

/** Nothing is left but lock files that nobody holds: the folder goes as well. */
async function removeIfEmpty(): Promise<void> {
    const entries = existsSync(sandboxesDirectory) ? await readdir(sandboxesDirectory) : ["kept"];
    if (entries.length === 0) {
        await rm(sandboxesDirectory, { recursive: true });
    }
}
