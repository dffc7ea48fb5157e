import { accessSync, constants, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { cacheDirectory } from "../../sandbox";
import { firstLine, Interrupted } from "../errors";
import { objectAt, parseJson, textAt } from "../json";
import { run, type Command } from "../process";

/** The Pulumi CLI, ready to run. */
export interface PulumiCli {
    /** Path of the program. */
    program: string;
    /** Pulumi's home folder: plugins, credentials, logs. */
    home: string;
}

/** The CLI, or why there is none. */
export type FoundCli = { cli: PulumiCli } | { cli: undefined; reason: string };

/** Where to look, and whom to tell. */
export interface CliSearch {
    /** The checkout, in whose node_modules the npm launcher is. */
    root: string;
    report: (text: string) => void;
    /**
     * The user's own Pulumi home in every case, since their logins are in it.
     * @default - their home only when the CLI is in it already, so that nothing of theirs is touched
     */
    usersHome?: boolean;
}

/**
 * Finds the Pulumi CLI where its npm launcher keeps it, else on the PATH, else lets the launcher download it. Its
 * plugins are made sure of as well: without them a deployment would only fail later.
 */
export async function findCli(search: CliSearch): Promise<FoundCli> {
    const launcher = join(search.root, "node_modules", "pulumi");
    const version = process.env.PULUMI_VERSION ?? textAt(readJson(join(launcher, "package.json")), "version") ?? "";
    const home = pulumiHome(version, search.usersHome ?? false);
    const installed = [binary(home, version), ...onPath()].find(isExecutable);
    const cli = { program: installed ?? binary(home, version), home };
    if (installed === undefined) {
        search.report(`Getting the Pulumi CLI ${version}`);
        const failure = await download(launcher, cli, search.report);
        if (failure !== undefined) {
            return { cli: undefined, reason: `the Pulumi CLI cannot be had here (${failure})` };
        }
    }
    const missing = await ensurePlugins(search.root, cli, search.report);
    return missing === undefined ? { cli } : { cli: undefined, reason: missing };
}

/** The environment in which the CLI runs. Its language host must be found beside it, not anywhere else. */
export function cliEnvironment(cli: PulumiCli, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
        ...process.env,
        PATH: [dirname(cli.program), process.env.PATH ?? ""].join(delimiter),
        PULUMI_HOME: cli.home,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        ...more,
    };
}

function pulumiHome(version: string, usersHome: boolean): string {
    const users = join(homedir(), ".pulumi");
    if (process.env.PULUMI_HOME) {
        return process.env.PULUMI_HOME;
    }
    return usersHome || isExecutable(binary(users, version)) ? users : join(cacheDirectory(), "pulumi-home");
}

function binary(home: string, version: string): string {
    return join(home, "versions", version, "bin", process.platform === "win32" ? "pulumi.exe" : "pulumi");
}

/** A CLI of the user's own. npm puts the launcher on the PATH, which is no CLI. */
function onPath(): string[] {
    const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
    return folders.filter((folder) => !folder.includes("node_modules")).map((folder) => join(folder, "pulumi"));
}

function isExecutable(file: string): boolean {
    try {
        accessSync(file, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

/** Lets the official launcher install the CLI. Returns why it could not. */
function download(launcher: string, cli: PulumiCli, report: (text: string) => void): Promise<string | undefined> {
    const args = [join(launcher, "run.js"), "version"];
    return failureOf({ program: process.execPath, args, env: cliEnvironment(cli), onLine: report });
}

/** Returns the first plugin that is not there and cannot be downloaded. */
async function ensurePlugins(
    root: string,
    cli: PulumiCli,
    report: (text: string) => void,
): Promise<string | undefined> {
    const listed = await run({ program: cli.program, args: ["plugin", "ls", "--json"], env: cliEnvironment(cli) });
    const parsed = listed.code === 0 ? parseJson(listed.stdout) : [];
    const plugins: unknown[] = Array.isArray(parsed) ? parsed : [];
    for (const { name, version } of requiredPlugins(root)) {
        if (plugins.some((item) => textAt(item, "name") === name && textAt(item, "version") === version)) {
            continue;
        }
        report(`Getting Pulumi's plugin ${name} ${version}`);
        const args = ["plugin", "install", "resource", name, version];
        const failure = await failureOf({ program: cli.program, args, env: cliEnvironment(cli), onLine: report });
        if (failure !== undefined) {
            return `Pulumi's plugin ${name} ${version} cannot be had here (${failure})`;
        }
    }
    return undefined;
}

/** The provider plugins of the packages that the program is made with, each in its package's own version. */
function requiredPlugins(root: string): { name: string; version: string }[] {
    const dependencies = Object.keys(objectAt(readJson(join(root, "package.json")), "dependencies"));
    return dependencies.flatMap((dependency) => {
        const manifest = readJson(join(root, "node_modules", dependency, "package.json"));
        const plugin = objectAt(manifest, "pulumi");
        const version = textAt(plugin, "version") ?? textAt(manifest, "version");
        return plugin["resource"] === true && version !== undefined
            ? [
                  {
                      name: textAt(plugin, "name") ?? dependency.replace(/^@pulumi\//, ""),
                      version: version.replace(/^v/, ""),
                  },
              ]
            : [];
    });
}

async function failureOf(command: Command): Promise<string | undefined> {
    try {
        const { code, stdout, stderr } = await run(command);
        const lines = (stderr.trim() || stdout.trim()).split("\n");
        return code === 0 ? undefined : firstLine(lines.at(-1) ?? "").replace(/^(pulumi|error): /, "");
    } catch (error) {
        if (error instanceof Interrupted) {
            throw error;
        }
        return error instanceof Error ? error.message : String(error);
    }
}

function readJson(file: string): unknown {
    try {
        return parseJson(readFileSync(file, "utf8"));
    } catch {
        return undefined;
    }
}
