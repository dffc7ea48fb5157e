import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { images, istioVersion } from "../versions";
import { SandboxError } from "./errors";
import { goFailure, runGo } from "./go";
import { helmEnvironment } from "./helm";
import { lastLines, run } from "./run";

/** A Go module that carries charts in its source, pinned by its checksum. */
export interface ChartModule {
    readonly module: string;
    readonly version: string;
    readonly sum: string;
    /** What the version is, for people. */
    readonly note: string;
    /** The folder of each chart, by the chart's name. */
    readonly folders: Readonly<Record<string, string | undefined>>;
}

const download = z.object({ Dir: z.string().optional(), Sum: z.string().optional(), Error: z.string().optional() });

/** Downloads a module, checks it against its pinned sum, and returns the folder of its source. */
export async function downloadModule(pin: ChartModule, work: string): Promise<string> {
    const what = `Getting the Go module ${pin.module}`;
    // A module of its own, so that none further up in the file system is taken for the one that asks.
    await writeFile(join(work, "go.mod"), "module charts\n");
    const args = ["mod", "download", "-json", `${pin.module}@${pin.version}`];
    const result = await runGo(args, { cwd: work, unsummed: pin.module });
    if (result.code !== 0) {
        const said = result.stdout === "" ? undefined : download.safeParse(JSON.parse(result.stdout)).data?.Error;
        throw goFailure(what, { ...result, stderr: [result.stderr, said].filter(Boolean).join("\n") });
    }
    const { Dir, Sum } = download.parse(JSON.parse(result.stdout));
    if (Dir === undefined || Sum !== pin.sum) {
        throw new SandboxError(
            `${pin.module}@${pin.version} has the checksum ${Sum}, and not ${pin.sum} as pinned. It is not used.`,
            "Somebody changed it on the way: look into the Go module proxy (`go env GOPROXY`).",
        );
    }
    return Dir;
}

/** Packages a chart from a folder of source, as the project's own release does it. */
export async function packageChart(
    helm: string,
    source: string,
    version: string,
    work: string,
    folder: string,
): Promise<void> {
    const copy = join(work, "chart");
    await copyChart(source, copy);
    const args = ["package", copy, "--version", version, "--app-version", version, "--destination", folder];
    const result = await run(helm, args, { env: helmEnvironment(work), timeoutMs: 60_000 });
    if (result.code !== 0) {
        throw new SandboxError(
            `helm could not package the chart in ${source}:\n${lastLines(result.stderr, 5)}`,
            "Run the command again; when that does not help, look at the disk and at the version of helm in PATH.",
        );
    }
}

/** Copies file by file, since Go keeps modules read-only and a plain copy would be just as read-only. */
async function copyChart(source: string, copy: string): Promise<void> {
    for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
        if (entry.isFile()) {
            const file = join(entry.parentPath, entry.name);
            const target = join(copy, relative(source, file));
            const content = await readFile(file);
            await mkdir(dirname(target), { recursive: true, mode: 0o700 });
            await writeFile(target, entry.name === "values.yaml" ? stampImages(content.toString()) : content);
        }
    }
}

/** In Istio's source the values name the images of its test builds; a release puts its own in their place. */
function stampImages(values: string): string {
    const hub = `${images.istio.registry}/${images.istio.repository}`;
    return values
        .replace(/^( *)hub: registry\.istio\.io\/testing$/gm, `$1hub: ${hub}`)
        .replace(/^( *)tag: latest$/gm, `$1tag: ${istioVersion}`);
}
