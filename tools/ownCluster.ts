import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { changesLine } from "./conclusion";
import type { Deployment } from "./deployment";
import { cliEnvironment, findCli, type PulumiCli } from "./engine/cli";
import { EventLog } from "./engine/events";
import { Interrupted, UserError } from "./errors";
import { throwIfInterrupted } from "./interrupts";
import { parseJson, textAt } from "./json";
import { Kube } from "./kube";
import { run } from "./process";
import { root } from "./project";
import { projectName, stackFile, stackValues, writeRetargetedStack } from "./stackConfig";
import { componentTable, describeEntrances, gatewayAddresses } from "./summary";

interface OwnClusterOptions {
    stack: string;
    /** The context's name in the user's kubeconfig. */
    context: string;
    /** Deploy without showing the preview and asking. */
    yes: boolean;
}

/**
 * Deploys a stack onto the user's own cluster: with the Pulumi CLI, into the backend that the user is logged in to,
 * and only by the name of a context that exists.
 */
export async function startOnOwnCluster(options: OwnClusterOptions): Promise<void> {
    const { stack, context, yes } = options;
    // An unknown stack or a broken file is told before anything is created in a backend.
    stackValues(projectName(root), stackFile(root, stack));
    const kubeconfig = loadKubeconfig();
    refuseUnknownContext(kubeconfig, context);
    if (!yes && !process.stdin.isTTY) {
        throw new UserError(
            "There is no terminal to ask on whether the changes are wanted.",
            "Add --yes when they are wanted in any case.",
        );
    }
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const found = await findCli({ root, report: say, usersHome: true });
    if (found.cli === undefined) {
        throw new UserError(
            `A cluster of your own is deployed to with the Pulumi CLI only, and ${found.reason}.`,
            "Install Pulumi (https://www.pulumi.com/docs/install/), then try again.",
        );
    }
    await requireLogin(found.cli);
    await ensureStack(found.cli, stack);
    const deployment = await up(found.cli, options);
    await conclude(deployment, kubeconfig, context);
}

function loadKubeconfig(): KubeConfig {
    const config = new KubeConfig();
    try {
        config.loadFromDefault();
    } catch (error) {
        const reason = error instanceof Error ? error.message : "it is no kubeconfig";
        throw new UserError(`Your kubeconfig cannot be read: ${reason}.`, "See KUBECONFIG, or ~/.kube/config.");
    }
    return config;
}

function refuseUnknownContext(config: KubeConfig, context: string): void {
    if (config.getContextObject(context) !== null) {
        return;
    }
    const names = config.getContexts().map(({ name }) => name);
    // Without any kubeconfig the client library makes one up.
    const known = names.filter((name) => name !== "loaded-context" && name !== "inClusterContext");
    throw new UserError(
        `Your kubeconfig has no context "${context}".`,
        known.length === 0 ? "It has none at all: see KUBECONFIG, or ~/.kube/config." : `It has: ${known.join(", ")}.`,
    );
}

async function requireLogin(cli: PulumiCli): Promise<void> {
    const asked = await run({
        program: cli.program,
        args: ["whoami", "--non-interactive"],
        cwd: root,
        env: cliEnvironment(cli),
    });
    if (asked.code !== 0) {
        throw new UserError(
            "Pulumi does not know where to keep the stack's state.",
            "Log in first: `npx pulumi login` (Pulumi Cloud), or `npx pulumi login --local`, or to a bucket of your own.",
        );
    }
}

async function ensureStack(cli: PulumiCli, stack: string): Promise<void> {
    const args = ["stack", "ls", "--json", "--project", projectName(root)];
    const listed = await run({ program: cli.program, args, cwd: root, env: cliEnvironment(cli) });
    const parsed = listed.code === 0 ? parseJson(listed.stdout) : [];
    const stacks: unknown[] = Array.isArray(parsed) ? parsed : [];
    if (stacks.some((item) => textAt(item, "name")?.split("/").pop() === stack)) {
        return;
    }
    process.stdout.write(`The stack "${stack}" is not in your Pulumi backend yet: creating it.\n`);
    const code = await watched(cli, ["stack", "init", stack, "--no-select"]);
    if (code !== 0) {
        throw new UserError(`The stack "${stack}" could not be created.`, "See what the Pulumi CLI says above.");
    }
}

/** Lets the CLI show its preview, ask and deploy, as it always does. */
async function up(cli: PulumiCli, { stack, context, yes }: OwnClusterOptions): Promise<Deployment> {
    const folder = await mkdtemp(join(tmpdir(), "stack-"));
    const file = join(folder, `Pulumi.${stack}.yaml`);
    const events = new EventLog(join(folder, "events.json"));
    writeRetargetedStack(root, stack, file, context);
    const args = ["up", "--stack", stack, "--config-file", file, "--event-log", join(folder, "events.json")];
    const code = await watched(cli, yes ? [...args, "--yes"] : args).finally(async () => {
        events.finish();
        await rm(folder, { recursive: true, force: true });
    });
    // On a terminal the CLI reads Ctrl-C as a key: no signal tells us.
    if (events.errors.some((error) => error.endsWith("update canceled"))) {
        throw new Interrupted();
    }
    if (code !== 0) {
        throw new UserError(`The stack "${stack}" was not deployed.`, "See what the Pulumi CLI says above.");
    }
    return events.deployment();
}

/** Runs the CLI on the user's terminal, where it asks its questions; Ctrl-C goes to it as well. */
async function watched(cli: PulumiCli, args: string[]): Promise<number> {
    throwIfInterrupted();
    const env = cliEnvironment(cli, { PULUMI_DEBUG_COMMANDS: "true" });
    const child = spawn(cli.program, args, { cwd: root, env, stdio: "inherit" });
    const code = await new Promise<number>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code) => resolve(code ?? 1));
    });
    throwIfInterrupted();
    return code;
}

async function conclude(deployment: Deployment, kubeconfig: KubeConfig, context: string): Promise<void> {
    const lines = [
        "",
        componentTable(deployment),
        ...(await entrances(deployment, kubeconfig, context)),
        "  Point the hosts' DNS names at the external gateway's address.",
        "",
        changesLine(deployment),
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
}

/** The gateways as the cluster has them. That they cannot be read does not make the deployment a failure. */
async function entrances(deployment: Deployment, kubeconfig: KubeConfig, context: string): Promise<string[]> {
    kubeconfig.setCurrentContext(context);
    try {
        const kube = await Kube.of(kubeconfig);
        const gateways = await gatewayAddresses(kube, deployment.outputs).finally(() => kube.close());
        return describeEntrances(gateways, deployment.outputs);
    } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return [...describeEntrances([], deployment.outputs), `  The gateways' addresses could not be read: ${reason}`];
    }
}
