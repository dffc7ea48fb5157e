import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { contextName, ensureCharts, ensurePrograms, readChartManifest, startSandbox } from "../sandbox";
import type { Programs, Sandbox } from "../sandbox";
import { withLock } from "../sandbox/lock";
import type { Deployment, Progress } from "./deployment";
import { concludeSandbox } from "./conclusion";
import { chooseEngine, type EngineChoice } from "./engine/choice";
import type { PulumiCli } from "./engine/cli";
import { upOnSandbox } from "./engine/sandboxStack";
import { runProgram } from "./monitor";
import { root, sandboxDirectory, sandboxFiles } from "./project";
import { loadProgram } from "./program";
import { rehearse } from "./rehearse";
import { projectName, stackConfig, stackFile, writeDerivedStack, type Overrides } from "./stackConfig";
import { runSteps, type Report, type Step } from "./steps";
import { count, describeCounts } from "./summary";

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
    private rehearsedBecause: string | undefined;

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
        const { deployment, sandbox, rehearsedBecause } = this;
        if (deployment !== undefined && sandbox !== undefined) {
            const lines = await concludeSandbox({ stack: this.options.stack, deployment, sandbox, rehearsedBecause });
            process.stdout.write(`${lines.join("\n")}\n`);
        }
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
        const { stack, engine } = this.options;
        const waiting = (pid: number) => report(`Waiting for another run (process ${pid}) that deploys this stack`);
        return withLock(`${sandboxDirectory(stack)}.deploy.lock`, waiting, async () => {
            const chosen = await chooseEngine(engine, join(sandboxDirectory(stack), "engine"), report);
            const { cli } = chosen;
            this.deployment = await (cli === undefined ? this.rehearse(report) : this.up(cli, report));
            this.rehearsedBecause = cli === undefined ? chosen.reason : undefined;
            const how = cli === undefined ? "rehearsed" : "deployed with the Pulumi CLI";
            return `${how}, ${describeCounts(count(this.deployment.results))}`;
        });
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
