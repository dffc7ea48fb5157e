import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureCharts, ensurePrograms } from "../../sandbox";
import { describeError } from "../errors";
import { interruption, onInsistence, throwIfInterrupted } from "../interrupts";
import { at, listAt, parseJson } from "../json";
import { root } from "../project";
import { runSteps } from "../steps";

/** How a level ended. */
export interface LevelResult {
    passed: number;
    failed: number;
    /** Full titles of the tests that were skipped. */
    skipped: string[];
    /** Why the level could not run to its end, when it could not. */
    broken?: string;
}

/** A part of the test suite that can be run by itself. */
export interface Level {
    name: string;
    description: string;
    run: () => Promise<LevelResult>;
}

const checks: { title: string; args: string[] }[] = [
    { title: "eslint", args: ["node_modules/eslint/bin/eslint.js", "."] },
    {
        title: "prettier --check",
        args: ["node_modules/prettier/bin/prettier.cjs", "--check", "--log-level", "warn", "."],
    },
    { title: "tsc", args: ["node_modules/typescript/bin/tsc", "-p", "."] },
];

/** Every level, the quick ones first. */
export const levels: Level[] = [
    { name: "lint", description: "linter, format and types", run: lint },
    mochaLevel("unit", "single functions and components"),
    prepared(mochaLevel("contract", "whole stacks against the published schemas and charts")),
    mochaLevel("policy", "the policy pack's rules"),
    prepared(mochaLevel("e2e", "the commands, on a sandbox")),
];

/** A level that needs the sandbox's programs and charts: making them takes minutes, which no test is to wait for. */
function prepared(level: Level): Level {
    return {
        ...level,
        run: async () => {
            try {
                await runSteps([
                    {
                        title: "Programs of the sandbox",
                        work: (report) => ensurePrograms(report).then(() => undefined),
                    },
                    { title: "Helm charts", work: (report) => ensureCharts(report).then(() => undefined) },
                ]);
            } catch (error) {
                throwIfInterrupted();
                process.stdout.write(`\n${describeError(error)}\n`);
                return { passed: 0, failed: 1, skipped: [], broken: "it needs the sandbox's programs and charts" };
            }
            return level.run();
        },
    };
}

/** Runs the checks that read the code without running it. Each counts as one. */
async function lint(): Promise<LevelResult> {
    const result: LevelResult = { passed: 0, failed: 0, skipped: [] };
    for (const { title, args } of checks) {
        const code = await runNode(args);
        process.stdout.write(`  ${code === 0 ? "✔" : "✖"} ${title}\n`);
        result[code === 0 ? "passed" : "failed"] += 1;
    }
    return result;
}

function mochaLevel(name: string, description: string): Level {
    return { name, description, run: () => runMocha(`test/${name}/**/*.test.ts`) };
}

/** The files of a level's tests; a level that has none yet is not run. */
export function hasTests({ name }: Level): boolean {
    return name === "lint" || globSync(`test/${name}/**/*.test.ts`, { cwd: root }).length > 0;
}

async function runMocha(pattern: string): Promise<LevelResult> {
    const folder = mkdtempSync(join(tmpdir(), "tests-"));
    try {
        const output = join(folder, "counts.json");
        const reporter = ["--reporter", "tools/testing/reporter.ts", "--reporter-option", `output=${output}`];
        // In CI, mocha takes a log for a terminal.
        const colors = process.stdout.isTTY ? [] : ["--no-color"];
        const code = await runNode(["node_modules/mocha/bin/mocha.js", ...reporter, ...colors, pattern]);
        return readCounts(output, code);
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** mocha ends with the number of failures as its code, or dies without having counted anything. */
function readCounts(file: string, code: number): LevelResult {
    let counts: unknown;
    try {
        counts = parseJson(readFileSync(file, "utf8"));
    } catch {
        return { passed: 0, failed: 1, skipped: [], broken: `mocha ended with code ${code} before the tests did` };
    }
    const number = (key: string) => Number(at(counts, key) ?? 0);
    const skipped = listAt(counts, "skipped").filter((title) => typeof title === "string");
    const result = { passed: number("passed"), failed: number("failed"), skipped };
    if (code !== 0 && result.failed === 0) {
        return { ...result, failed: 1, broken: `mocha ended with code ${code}, though no test failed` };
    }
    return result;
}

function runNode(args: readonly string[]): Promise<number> {
    throwIfInterrupted();
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    // mocha ends in order on SIGINT, its "after" hooks included; from a terminal it gets one itself.
    const stop = () => void (process.stdin.isTTY || child.kill("SIGINT"));
    const forget = onInsistence(() => void child.kill("SIGKILL"));
    interruption.addEventListener("abort", stop);
    return new Promise((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => {
            interruption.removeEventListener("abort", stop);
            forget();
            resolve(code ?? 1);
        });
    });
}
