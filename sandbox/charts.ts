import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { charts as released, istioVersion, type ChartPin } from "../versions";
import { cacheDirectory, digest, publish } from "./cache";
import modules from "./charts.json";
import { deleteGoCaches, explainFullDisk } from "./go";
import { withLock } from "./lock";
import { downloadModule, packageChart } from "./moduleCharts";
import { OfficialCharts } from "./officialCharts";
import { ensurePrograms } from "./programs";
import type { Report } from "./types";

/** The charts that the sandbox is to have. ztunnel is part of the same release as the rest of Istio. */
const pins: readonly ChartPin[] = [
    released.base,
    released.istiod,
    released.cni,
    released.gateway,
    { chart: "ztunnel", repository: released.base.repository, version: istioVersion },
    released.certManager,
];

const manifestSchema = z.array(
    z.object({
        chart: z.string(),
        version: z.string(),
        /** File name inside the folder. */
        file: z.string(),
        /** `official`: the released package. `module`: packaged from the pinned source in a Go module. */
        source: z.enum(["official", "module"]),
        /** The repository, or the module and its version. */
        from: z.string(),
        /** What is to be known about a chart that is not the released package. */
        notice: z.string().optional(),
    }),
);

/** Where each chart of a folder comes from. */
export type ChartManifest = z.infer<typeof manifestSchema>;

/** Reads where the charts in a folder that `ensureCharts` made come from. */
export async function readChartManifest(folder: string): Promise<ChartManifest> {
    return manifestSchema.parse(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")));
}

/**
 * Returns a folder with the packaged charts (`istiod-1.31.1.tgz`) and a `manifest.json`. They come from their official
 * repositories, or from pinned Go modules where those cannot be reached; once there, no network is needed any more.
 */
export async function ensureCharts(report: Report): Promise<string> {
    const folder = join(cacheDirectory(), `charts-${digest(JSON.stringify(modules), JSON.stringify(pins))}`);
    if (!isComplete(folder)) {
        const { helm } = await ensurePrograms(report);
        const waiting = (pid: number) => report(`Waiting for another run (process ${pid}) that uses the cache`);
        await withLock(join(cacheDirectory(), "lock"), waiting, async () => {
            if (!isComplete(folder)) {
                await collect(helm, folder, report);
            }
        });
    }
    report(summary(await readChartManifest(folder)));
    return folder;
}

function isComplete(folder: string): boolean {
    return [...pins.map(fileName), "manifest.json"].every((name) => existsSync(join(folder, name)));
}

function fileName({ chart, version }: ChartPin): string {
    return `${chart}-${version}.tgz`;
}

async function collect(helm: string, folder: string, report: Report): Promise<void> {
    const partial = `${folder}.partial`;
    const work = `${folder}.work`;
    try {
        for (const path of [partial, work]) {
            await rm(path, { recursive: true, force: true });
            await mkdir(path, { recursive: true, mode: 0o700 });
        }
        report("Getting the charts from their repositories");
        const official = new OfficialCharts(helm, work);
        const manifest = await Promise.all(pins.map((pin) => pullOfficial(official, pin, partial)));
        await packageMissing(manifest, helm, partial, work, report);
        await writeFile(join(partial, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
        await publish(partial, folder);
        await deleteGoCaches();
    } catch (error) {
        throw explainFullDisk("Getting the charts", error);
    } finally {
        await rm(work, { recursive: true, force: true });
    }
}

type Entry = ChartManifest[number];

/** The entry of a chart: with a notice that says why when its repository did not give it. */
async function pullOfficial(official: OfficialCharts, pin: ChartPin, folder: string): Promise<Entry> {
    const failure = await official.pull(pin, folder);
    const entry = { chart: pin.chart, version: pin.version, file: fileName(pin), from: pin.repository };
    return failure === undefined
        ? { ...entry, source: "official" }
        : { ...entry, source: "module", notice: `${failure}.` };
}

async function packageMissing(
    manifest: ChartManifest,
    helm: string,
    folder: string,
    work: string,
    report: Report,
): Promise<void> {
    for (const pin of modules) {
        const folders = new Map<string, string>(Object.entries(pin.folders));
        const missing = manifest.filter(({ chart, source }) => source === "module" && folders.has(chart));
        if (missing.length === 0) {
            continue;
        }
        report(`Getting the charts ${missing.map(({ chart }) => chart).join(", ")} from the Go module ${pin.module}`);
        const source = await downloadModule(pin, work);
        for (const entry of missing) {
            const from = join(source, folders.get(entry.chart) ?? "");
            await packageChart(helm, from, entry.version, join(work, entry.chart), folder);
            entry.from = `${pin.module}@${pin.version}`;
            entry.notice = `${entry.notice} Packaged from ${entry.from}: ${pin.note}.`;
        }
    }
}

function summary(manifest: ChartManifest): string {
    const packaged = manifest.filter(({ source }) => source === "module").map(({ chart }) => chart);
    return packaged.length === 0
        ? "Charts ready: all from their official repositories"
        : `Charts ready; packaged from pinned source, since their repositories could not be reached: ${packaged.join(", ")}`;
}
