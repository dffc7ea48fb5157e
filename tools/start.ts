import { Command } from "commander";
import { runCommand } from "./command";
import type { EngineChoice } from "./engine/choice";
import { startOnOwnCluster } from "./ownCluster";
import { startOnSandbox } from "./startSandbox";
import { UserError } from "./errors";

interface Options {
    stack: string;
    context?: string;
    port?: number;
    engine: EngineChoice;
    yes: boolean;
}

const command = new Command("npm start --")
    .description("Deploys a stack: onto a sandbox on this machine, or onto the cluster that --context names.")
    .option("--stack <name>", "the stack to deploy, as dev or prod", "dev")
    .option("--context <name>", "deploy to your own cluster, by its name in your kubeconfig, with the Pulumi CLI")
    .option("--port <number>", "port of the sandbox's API server on 127.0.0.1 (default: any free one)", portNumber)
    .option("--engine <engine>", "on the sandbox: auto, pulumi (the CLI) or rehearsal", engineChoice, "auto")
    .option("--yes", "with --context: deploy without asking", false)
    .allowExcessArguments(false)
    .action(async (options: Options) => {
        if (options.context === undefined) {
            await startOnSandbox(options);
            return;
        }
        if (options.port !== undefined || options.engine !== "auto") {
            throw new UserError("--port and --engine are for the sandbox, and --context names a cluster of your own.");
        }
        await startOnOwnCluster({ stack: options.stack, context: options.context, yes: options.yes });
    });

void runCommand(command, () => {
    const sandbox = command.opts<Options>().context === undefined;
    return `The same command again goes on from here${sandbox ? "; `npm stop` removes the sandbox" : ""}.`;
});

function portNumber(text: string): number {
    const port = Number(text);
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
        throw new UserError(`--port is "${text}".`, "Give a number from 1 to 65535.");
    }
    return port;
}

function engineChoice(text: string): EngineChoice {
    if (text !== "auto" && text !== "pulumi" && text !== "rehearsal") {
        throw new UserError(`--engine is "${text}".`, "Give auto, pulumi or rehearsal.");
    }
    return text;
}
