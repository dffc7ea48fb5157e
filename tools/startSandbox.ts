import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { contextName, ensureCharts, ensurePrograms, readChartManifest, startSandbox } from "../sandbox";
import type { Programs, Sandbox } from "../sandbox";
import { withLock } from "../sandbox/lock";
import type { Deployment, Progress } from "./deployment";
import { findCli, type PulumiCli } from "./engine/cli";
import { upOnSandbox } from "./engine/sandboxStack";
import { UserError } from "./errors";
import { Kube } from "./kube";
import { runProgram } from "./monitor";
import { root, sandboxDirectory, sandboxFiles } from "./project";
import { loadProgram } from "./program";
import { rehearse } from "./rehearse";
import { projectName, stackConfig, stackFile, writeDerivedStack, type Overrides } from "./stackConfig";
import { runSteps, type Report, type Step } from "./steps";
import { componentTable, count, describeCounts, describeEntrances, gatewayAddresses, leftOut } from "./summary";

/** Which engine deploys onto a sandbox: `auto` is the CLI where it can be had. */
export type EngineChoice = "auto" | "pulumi" | "rehearsal";

interface StartOptions {
    stack: string;
    port?: number;
    engine: EngineChoice;
}

/** Starts a stack's sandbox, deploys the stack onto it, and says what is there now. */
export async function startOnSandbox(options: StartOptions): Promise<void> {
    stackFile(root, options.stack);
    const run = new SandboxRun(options);
    await runSteps(run.steps());
    await run.conclude();
}

/** One `npm start` on a sandbox. */
class SandboxRun {
    private readonly project = projectName(root);
    private readonly files;
    private expected = 0;
    private programs: Programs | undefined;
    private charts = "";
    private sandbox: Sandbox | undefined;
    private deployment: Deployment | undefined;
    private engineNote = "";
    private rehearsed = false;

    constructor(private readonly options: StartOptions) {
        this.files = sandboxFiles(options.stack);
    }

    steps(): Step[] {
        const { stack } = this.options;
        return [
            { title: `Config of the stack "${stack}"`, work: () => this.checkConfig() },
            { title: "Programs of the sandbox", work: (report) => this.preparePrograms(report) },
            { title: "Helm charts", work: (report) => this.prepareCharts(report) },
            { title: "Sandbox", work: (report) => this.startSandbox(report) },
            { title: `Stack "${stack}"`, work: (report) => this.deploy(report) },
        ];
    }

    /** What a person wants to know at the end. */
    async conclude(): Promise<void> {
        const { deployment, sandbox } = this;
        if (deployment === undefined || sandbox === undefined) {
            return;
        }
        const kube = await Kube.connect(sandbox.kubeconfig);
        const gateways = await gatewayAddresses(kube, deployment.outputs).finally(() => kube.close());
        const missing = leftOut(deployment);
        const lines = [
            "",
            componentTable(deployment),
            ...(missing.length > 0 ? ["Left out", ...missing.map((text) => `  ${text}`)] : []),
            ...describeEntrances(gateways, deployment.outputs),
            "  The sandbox simulates its pods, so nothing answers there; on a real cluster it does.",
            ...this.nature(),
            ...this.nextSteps(),
            "",
            `${deployment.results.length} resources: ${describeCounts(count(deployment.results))}.`,
        ];
        process.stdout.write(`${lines.join("\n")}\n`);
    }

    /** Runs the program once without a cluster: a wrong config shows now, and not after minutes of building. */
    private async checkConfig(): Promise<string> {
        const config = { ...stackConfig(this.options.stack), ...asConfig(this.overrides()) };
        const { project, options } = this;
        const { resources } = await runProgram({
            program: await loadProgram(),
            project,
            stack: options.stack,
            config,
            preview: true,
        });
        this.expected = resources.filter(({ custom, type }) => custom && type.startsWith("kubernetes:")).length;
        return `valid, ${this.expected} resources`;
    }

    private async preparePrograms(report: Report): Promise<undefined> {
        this.programs = await ensurePrograms(report);
    }

    private async prepareCharts(report: Report): Promise<string> {
        this.charts = await ensureCharts(report);
        const manifest = await readChartManifest(this.charts);
        const packaged = manifest.filter(({ source }) => source === "module").length;
        const origin = packaged === 0 ? "" : `, ${packaged} of them packaged from their pinned sources`;
        return `${manifest.length} charts${origin}`;
    }

    private async startSandbox(report: Report): Promise<string> {
        const { port, stack } = this.options;
        const directory = sandboxDirectory(stack);
        this.sandbox = await startSandbox({ directory, report, port, programs: this.programs });
        await linkCharts(this.charts, this.files.charts);
        writeDerivedStack(root, stack, this.files.stackConfig, this.overrides());
        return `${this.sandbox.reused ? "runs already" : "started"}, ${this.sandbox.server}`;
    }

    private async deploy(report: Report): Promise<string> {
        const waiting = (pid: number) => report(`Waiting for another run (process ${pid}) that deploys this stack`);
        return withLock(`${sandboxDirectory(this.options.stack)}.deploy.lock`, waiting, async () => {
            const cli = await this.chooseEngine(report);
            this.deployment = await (cli === undefined ? this.rehearse(report) : this.up(cli, report));
            this.rehearsed = cli === undefined;
            const how = cli === undefined ? "rehearsed" : "deployed with the Pulumi CLI";
            return `${how}, ${describeCounts(count(this.deployment.results))}`;
        });
    }

    /** The engine that a sandbox was deployed with stays its engine: the two do not know what the other one made. */
    private async chooseEngine(report: Report): Promise<PulumiCli | undefined> {
        const { engine } = this.options;
        const file = join(sandboxDirectory(this.options.stack), "engine");
        const before = existsSync(file) ? readFileSync(file, "utf8") : undefined;
        if (before === "pulumi" && engine === "rehearsal") {
            throw new UserError("This sandbox was deployed with the Pulumi CLI.", "Run `npm stop` before a rehearsal.");
        }
        if (before === "rehearsal" && engine === "pulumi") {
            throw new UserError("This sandbox was deployed by a rehearsal.", "Run `npm stop`, then this again.");
        }
        if (engine === "rehearsal" || before === "rehearsal") {
            this.engineNote = before === "rehearsal" ? "as before; `npm stop` forgets it" : "as asked for";
            writeFileSync(file, "rehearsal");
            return undefined;
        }
        const found = await findCli({ root, report });
        if (found.cli !== undefined) {
            writeFileSync(file, "pulumi");
            return found.cli;
        }
        if (engine === "pulumi" || before === "pulumi") {
            throw new UserError(
                `The stack cannot be deployed with the CLI: ${found.reason}.`,
                "See --engine in `npm start -- --help`.",
            );
        }
        this.engineNote = found.reason;
        writeFileSync(file, "rehearsal");
        return undefined;
    }

    private async rehearse(report: Report): Promise<Deployment> {
        const { stack } = this.options;
        const { sandbox, programs, project } = this.ready();
        return rehearse({
            program: await loadProgram(),
            project,
            stack,
            config: stackConfig(stack, root, this.files.stackConfig),
            directory: root,
            sandbox,
            helm: programs.helm,
            generatedFile: this.files.generated,
            onProgress: (progress) => report(this.describe(progress)),
        });
    }

    private up(cli: PulumiCli, report: Report): Promise<Deployment> {
        const { stack } = this.options;
        const { sandbox, programs, project } = this.ready();
        const onProgress = (progress: Progress) => report(this.describe(progress));
        return upOnSandbox({ cli, project, stack, sandbox, helm: programs.helm, report, onProgress });
    }

    private ready() {
        const { sandbox, programs, project } = this;
        if (sandbox === undefined || programs === undefined) {
            throw new Error("the sandbox is to be started before anything is deployed");
        }
        return { sandbox, programs, project };
    }

    private describe({ done, active }: Progress): string {
        const names = active.slice(0, 3).join(", ");
        const more = active.length > 3 ? ` and ${active.length - 3} more` : "";
        return `${done} of ${this.expected} resources${names === "" ? "" : `: ${names}${more}`}`;
    }

    /** What a stack's config says differently on a sandbox, which is thrown away with everything in it. */
    private overrides(): Overrides {
        return {
            "kubernetes:context": contextName,
            "kubernetes:kubeconfig": this.files.kubeconfig,
            [`${this.project}:charts`]: { mirror: this.files.relativeCharts },
            [`${this.project}:protect`]: false,
        };
    }

    private nature(): string[] {
        return this.rehearsed
            ? [
                  "",
                  `This was a rehearsal (${this.engineNote}): the cluster accepted all of it, in this order. It keeps no`,
                  "state, shows no differences and runs no policies: for those, deploy with the Pulumi CLI.",
              ]
            : [];
    }

    private nextSteps(): string[] {
        const { stack } = this.options;
        const flag = stack === "dev" ? "" : ` --stack ${stack}`;
        return [
            "",
            "Next",
            `  Look around:     KUBECONFIG=.sandbox/${stack}/kubeconfig kubectl get gateways.networking.istio.io,virtualservices,certificates -A`,
            `  A real cluster:  npm start --${flag} --context NAME   (names: kubectl config get-contexts)`,
            "  Stop:            npm stop",
        ];
    }
}

/** The charts go into the sandbox's folder, so that the program names them by a path relative to the checkout. */
async function linkCharts(from: string, to: string): Promise<void> {
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { recursive: true });
    const packages = (await readdir(from)).filter((name) => name.endsWith(".tgz"));
    await Promise.all(packages.map((name) => cp(join(from, name), join(to, name), { preserveTimestamps: true })));
}

function asConfig(overrides: Overrides): Record<string, string> {
    return Object.fromEntries(
        Object.entries(overrides).map(([key, value]) => [
            key,
            typeof value === "string" ? value : JSON.stringify(value),
        ]),
    );
}
