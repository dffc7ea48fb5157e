import { marker } from "../sandbox";
import type { Deployment, Made, Progress, ResourceResult } from "./deployment";
import { UserError } from "./errors";
import { throwIfInterrupted } from "./interrupts";
import { isObject, textAt, type Json } from "./json";
import { Kube } from "./kube";
import { runProgram, type RecordedResource, type ResourceState } from "./monitor";
import { GeneratedValues } from "./rehearsal/generated";
import { Helm } from "./rehearsal/helm";
import { limiter } from "./rehearsal/limit";
import { applyObject, type Timing } from "./rehearsal/object";
import { applyRelease, readRelease } from "./rehearsal/release";

/** The sandbox to rehearse on, and what to rehearse. */
export interface RehearsalOptions {
    program: () => unknown;
    project: string;
    stack: string;
    config: Record<string, string>;
    /** The folder that relative chart paths start from. */
    directory: string;
    sandbox: { directory: string; kubeconfig: string; id: string };
    /** Path of helm. */
    helm: string;
    /** Where generated passwords are kept between two runs. */
    generatedFile: string;
    /** Hears of every resource when its work begins and when it has ended. */
    onProgress?: (progress: Progress) => void;
    timing?: Timing;
}

const patient: Timing = { readyMs: 120_000, pollMs: 250, acceptedMs: 15_000 };
const releaseType = "kubernetes:helm.sh/v3:Release";

/**
 * Runs the program against a sandbox without the Pulumi engine: releases through helm, everything else by server-side
 * apply, each when all that it depends on is ready. It proves that a cluster accepts all of it and in this order; it
 * keeps no state, so it neither shows differences nor deletes what the program no longer has, and runs no policies.
 */
export async function rehearse(options: RehearsalOptions): Promise<Deployment> {
    const kube = await Kube.connect(options.sandbox.kubeconfig);
    try {
        await refuseStrangers(kube, options.sandbox.id);
        const stage = new Stage(options, kube);
        const { resources, outputs } = await runProgram({
            ...options,
            onResource: (resource) => stage.make(resource),
        });
        const components = resources.filter(({ custom }) => !custom);
        return { results: stage.results, components, outputs, milliseconds: stage.elapsed() };
    } finally {
        kube.close();
    }
}

/** A rehearsal overwrites whatever has its names: it works on the sandbox that it was given, and on nothing else. */
async function refuseStrangers(kube: Kube, id: string): Promise<void> {
    const found = await kube.read("v1", "ConfigMap", marker.name, marker.namespace);
    if (textAt(found, "data", "id") !== id) {
        throw new UserError(
            "The rehearsal only works on the sandbox that `npm start` made, and this cluster is another one.",
            "Run `npm stop`, then `npm start`. For a cluster of your own: `npm start -- --context NAME`.",
        );
    }
}

/** One rehearsal: makes resources as the program asks for them and keeps the books. */
class Stage {
    readonly results: ResourceResult[] = [];
    private readonly began = Date.now();
    private readonly active = new Map<string, { name: string; start: number }>();
    private readonly helm: Helm;
    private readonly generated: GeneratedValues;
    private readonly timing: Timing;
    // Each helm is a process that renders its chart: more of them than cores only makes all of them late.
    private readonly releases = limiter(4);
    private readonly objects = limiter(16);
    private failed = false;

    constructor(
        private readonly options: RehearsalOptions,
        private readonly kube: Kube,
    ) {
        this.helm = new Helm(options.helm, options.sandbox.kubeconfig, options.directory, options.sandbox.directory);
        this.generated = new GeneratedValues(options.generatedFile);
        this.timing = options.timing ?? patient;
    }

    elapsed(): number {
        return Date.now() - this.began;
    }

    async make(resource: RecordedResource): Promise<ResourceState | undefined> {
        if (!resource.custom || !resource.type.startsWith("kubernetes:")) {
            return this.generated.make(resource);
        }
        const limited = resource.type === releaseType ? this.releases : this.objects;
        try {
            return await limited(() => this.makeNow(resource));
        } catch (error) {
            // As with the engine: what is under way ends, nothing new begins.
            this.failed = true;
            throw error;
        }
    }

    private async makeNow(resource: RecordedResource): Promise<ResourceState> {
        if (this.failed) {
            throw new UserError(`${resource.name} was not made, because something before it failed.`);
        }
        throwIfInterrupted();
        const start = this.elapsed();
        this.active.set(resource.urn, { name: resource.name, start });
        this.report();
        try {
            const made = await this.dispatch(resource);
            this.results.push({ ...summary(resource), ...outcome(made), start, end: this.elapsed() });
            return { id: idOf(resource), state: stateOf(resource, made) };
        } finally {
            this.active.delete(resource.urn);
            this.report();
        }
    }

    private dispatch(resource: RecordedResource): Promise<Made> {
        return resource.type === releaseType
            ? applyRelease(this.helm, readRelease(resource.inputs, resource.name), this.options.directory)
            : applyObject(this.kube, resource, this.timing);
    }

    private report(): void {
        const active = [...this.active.values()].sort((a, b) => a.start - b.start).map(({ name }) => name);
        this.options.onProgress?.({ done: this.results.length, active });
    }
}

function summary({ urn, type, name, parent }: RecordedResource) {
    return { urn, type, name, parent };
}

function outcome({ outcome, note }: Made) {
    return note === undefined ? { outcome } : { outcome, note };
}

function idOf({ type, name, inputs }: RecordedResource): string {
    const metadata = type === releaseType ? inputs : inputs["metadata"];
    const namespace = textAt(metadata, "namespace");
    const named = textAt(metadata, "name") ?? name;
    return namespace === undefined ? named : `${namespace}/${named}`;
}

function stateOf({ type, name, inputs }: RecordedResource, { live, outcome }: Made): Json {
    if (type === releaseType) {
        const { name: releaseName = name, namespace, version } = inputs;
        const status = {
            status: outcome === "left out" ? "unknown" : "deployed",
            name: releaseName,
            namespace,
            version,
        };
        return { ...inputs, status };
    }
    return isObject(live) ? { ...inputs, ...live } : inputs;
}
