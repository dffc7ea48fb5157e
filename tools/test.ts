import { Command } from "commander";
import { runCommand } from "./command";
import { formatDuration } from "./duration";
import { UserError } from "./errors";
import { throwIfInterrupted } from "./interrupts";
import { hasTests, levels, type Level, type LevelResult } from "./testing/levels";

const names = levels.map(({ name }) => name).join(", ");

const command = new Command("npm test --")
    .description("Runs the tests: all levels, or those that are named.")
    .argument("[levels...]", names)
    .action((wanted: string[]) => test(wanted));

void runCommand(command, () => "`npm test` begins anew.");

async function test(wanted: readonly string[]): Promise<void> {
    const finished: { level: Level; result: LevelResult; milliseconds: number }[] = [];
    for (const level of choose(wanted)) {
        process.stdout.write(`\n── ${level.name}: ${level.description}\n`);
        const start = Date.now();
        const result = await level.run();
        throwIfInterrupted();
        finished.push({ level, result, milliseconds: Date.now() - start });
    }
    const results = finished.map(({ result }) => result);
    const skipped = results.flatMap(({ skipped }) => skipped);
    const lines = [
        "",
        ...finished.map(({ level, result, milliseconds }) => line(level, result, milliseconds)),
        ...(skipped.length > 0 ? ["Skipped", ...skipped.map((title) => `  ${title}`)] : []),
        `${total(results, "passed")} passed, ${total(results, "failed")} failed, ${skipped.length} skipped`,
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
    process.exitCode = total(results, "failed") === 0 ? 0 : 1;
}

function choose(wanted: readonly string[]): Level[] {
    const unknown = wanted.filter((name) => !levels.some((level) => level.name === name));
    if (unknown.length > 0) {
        throw new UserError(`There is no level "${unknown.join('", "')}".`, `There are: ${names}.`);
    }
    const empty = levels.filter((level) => wanted.includes(level.name) && !hasTests(level));
    if (empty.length > 0) {
        throw new UserError(`The level "${empty.map(({ name }) => name).join('", "')}" has no tests.`);
    }
    return levels.filter((level) => (wanted.length === 0 ? hasTests(level) : wanted.includes(level.name)));
}

function line({ name }: Level, { passed, failed, skipped, broken }: LevelResult, milliseconds: number): string {
    const counts = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
    const reason = broken === undefined ? "" : `; ${broken}`;
    // A word in front: the last line alone is to look like the sum that it is.
    return `${failed === 0 ? "✔" : "✖"} ${name.padEnd(9)} ${counts} (${formatDuration(milliseconds)})${reason}`;
}

function total(results: readonly LevelResult[], key: "passed" | "failed"): number {
    return results.reduce((sum, result) => sum + result[key], 0);
}
