import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sandbox } from "../../sandbox";
import type { Deployment, Progress } from "../deployment";
import { UserError } from "../errors";
import { parseJson, textAt } from "../json";
import { root, sandboxDirectory, sandboxFiles } from "../project";
import { lastWords, output, run, type Command } from "../process";
import { causes, EventLog } from "./events";
import { cliEnvironment, type PulumiCli } from "./cli";
import { repairState } from "./recovery";

/** What to deploy with the CLI on a sandbox. */
export interface SandboxUp {
    cli: PulumiCli;
    project: string;
    stack: string;
    sandbox: Sandbox;
    /** Path of helm, to mend what an interrupted run left behind. */
    helm: string;
    report: (text: string) => void;
    onProgress: (progress: Progress) => void;
}

/**
 * Deploys a stack onto its sandbox with the Pulumi CLI. State, passphrase and config are all the sandbox's own: the
 * user's backend and the tracked files are not touched.
 */
export async function upOnSandbox(options: SandboxUp): Promise<Deployment> {
    const { stack, report, onProgress } = options;
    const pulumi = await prepare(options);
    if (await isLocked(stack)) {
        report("Mending what an interrupted deployment left behind");
        await output(pulumi(["cancel", "--yes", "--stack", stack]));
    }
    await repairState(options, pulumi);
    const file = join(sandboxDirectory(stack), "events.json");
    await rm(file, { force: true });
    const events = new EventLog(file, onProgress);
    events.follow();
    report("Starting the Pulumi engine");
    const completed = await run(pulumi(upArguments(stack, file))).finally(async () => {
        events.finish();
        await rm(file, { force: true });
    });
    if (completed.code !== 0) {
        const reason = causes(events.errors) || lastWords(completed);
        throw new UserError(`The Pulumi CLI could not deploy the stack "${stack}":\n${reason}`);
    }
    return events.deployment();
}

function upArguments(stack: string, eventLog: string): string[] {
    const quiet = ["--non-interactive", "--color", "never", "--suppress-outputs", "--suppress-progress"];
    const config = ["--config-file", sandboxFiles(stack).stackConfig];
    return ["up", "--yes", "--skip-preview", "--stack", stack, ...config, ...quiet, "--event-log", eventLog];
}

/** How to run the CLI with some arguments. */
export type Pulumi = (args: string[], more?: Partial<Command>) => Command;

/** Makes the backend, its passphrase and the stack where they are not there yet. */
async function prepare({ cli, project, stack }: SandboxUp): Promise<Pulumi> {
    const files = sandboxFiles(stack);
    await mkdir(files.backend, { recursive: true, mode: 0o700 });
    if (!existsSync(files.passphrase)) {
        await writeFile(files.passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    const env = cliEnvironment(cli, {
        PULUMI_BACKEND_URL: `file://${files.backend}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: files.passphrase,
        PULUMI_CONFIG_PASSPHRASE: undefined,
        // The log of events is an option for tools, as Pulumi's own Automation API is one.
        PULUMI_DEBUG_COMMANDS: "true",
        KUBECONFIG: files.kubeconfig,
        KUBECACHEDIR: join(sandboxDirectory(stack), "kube-cache"),
    });
    const pulumi: Pulumi = (args, more) => ({
        program: cli.program,
        args,
        cwd: root,
        env,
        // Once asked to, the engine finishes what is under way and keeps its books.
        stopSignal: "SIGINT",
        ...more,
    });
    const listed = parseJson(await output(pulumi(["stack", "ls", "--json", "--project", project])));
    const stacks: unknown[] = Array.isArray(listed) ? listed : [];
    if (!stacks.some((item) => textAt(item, "name")?.split("/").pop() === stack)) {
        await initialize(pulumi, project, stack);
    }
    return pulumi;
}

/**
 * Creates the stack from within its sandbox's folder: the CLI writes the salt of the passphrase into the stack file of
 * the folder that it runs in, and the tracked one is not to change.
 */
async function initialize(pulumi: Pulumi, project: string, stack: string): Promise<void> {
    const directory = sandboxDirectory(stack);
    await writeFile(join(directory, "Pulumi.yaml"), `name: ${project}\nruntime: nodejs\n`);
    await output(pulumi(["stack", "init", stack, "--no-select", "--non-interactive"], { cwd: directory }));
}

/** Whether a deployment was killed while it held the stack: nobody else can hold it, for we hold our own lock. */
async function isLocked(stack: string): Promise<boolean> {
    const locks = join(sandboxFiles(stack).backend, ".pulumi", "locks");
    const entries = existsSync(locks) ? await readdir(locks, { recursive: true }) : [];
    return entries.some((entry) => entry.endsWith(".json"));
}
