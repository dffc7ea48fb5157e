import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation";
import { isObject, parseJson, type Json } from "../json";
import type { Deployment, Outcome, Progress, ResourceResult } from "../deployment";

/**
 * Reads the log of events that the CLI writes while it deploys, and keeps the books: either follows it, or reads it at
 * the end. A deployment with a preview can only be read at the end, for the CLI begins the file anew after the preview.
 */
export class EventLog {
    readonly results: ResourceResult[] = [];
    /** What the engine reported as errors. */
    readonly errors: string[] = [];
    private readonly components = new Map<string, Deployment["components"][number]>();
    private readonly active = new Map<string, { name: string; start: number }>();
    private began: number | undefined;
    private now = 0;
    private readonly buffer = Buffer.alloc(1 << 16);
    private readonly decoder = new StringDecoder("utf8");
    private outputs: Json = {};
    private offset = 0;
    private rest = "";
    private timer: NodeJS.Timeout | undefined;

    constructor(
        private readonly file: string,
        private readonly onProgress: (progress: Progress) => void = () => undefined,
    ) {}

    /** Begins to follow the file, which need not exist yet. */
    follow(): void {
        this.timer = setInterval(() => this.poll(), 100);
    }

    /** Reads what is left, or all of it, and ends. */
    finish(): void {
        clearInterval(this.timer);
        this.poll();
    }

    /** What was deployed so far. */
    deployment(): Deployment {
        const { results, outputs } = this;
        return { results, outputs, components: [...this.components.values()], milliseconds: this.now };
    }

    private poll(): void {
        if (!existsSync(this.file)) {
            return;
        }
        const lines = (this.rest + this.read()).split("\n");
        this.rest = lines.pop() ?? "";
        const before = this.results.length + this.active.size;
        lines.filter((line) => line !== "").forEach((line) => this.take(parse(line)));
        if (lines.length > 0 || before === 0) {
            const names = [...this.active.values()].sort((a, b) => a.start - b.start).map(({ name }) => name);
            this.onProgress({ done: this.results.length, active: names });
        }
    }

    private read(): string {
        const file = openSync(this.file, "r");
        try {
            let text = "";
            for (;;) {
                const length = readSync(file, this.buffer, 0, this.buffer.length, this.offset);
                if (length === 0) {
                    return text;
                }
                this.offset += length;
                text += this.decoder.write(this.buffer.subarray(0, length));
            }
        } finally {
            closeSync(file);
        }
    }

    private take(event: unknown): void {
        if (!isEngineEvent(event)) {
            return;
        }
        // The log has whole seconds; who follows it knows better.
        const time = this.timer === undefined ? event.timestamp * 1000 : Date.now();
        this.began ??= time;
        this.now = time - this.began;
        const { resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent } = event;
        if (resourcePreEvent && resourcePreEvent.planning !== true) {
            this.begin(resourcePreEvent.metadata);
        }
        if (resOutputsEvent && resOutputsEvent.planning !== true) {
            this.end(resOutputsEvent.metadata);
        }
        if (resOpFailedEvent) {
            this.active.delete(resOpFailedEvent.metadata.urn);
        }
        if (diagnosticEvent?.severity === "error") {
            const name = diagnosticEvent.urn?.split("::").pop();
            this.errors.push(`${name === undefined ? "" : `${name}: `}${plain(diagnosticEvent.message)}`);
        }
    }

    private begin({ urn, type, new: wanted }: StepEventMetadata): void {
        if (wanted?.custom !== true) {
            this.components.set(urn, { urn, type, name: nameOf(urn), parent: wanted?.parent ?? "" });
        } else {
            this.active.set(urn, { name: nameOf(urn), start: this.now });
        }
    }

    private end({ urn, type, op, new: made, old }: StepEventMetadata): void {
        if (type === "pulumi:pulumi:Stack") {
            this.outputs = isObject(made?.outputs) ? made.outputs : {};
        }
        const begun = this.active.get(urn);
        this.active.delete(urn);
        const outcome = outcomes[op];
        if (begun === undefined || outcome === undefined || type.startsWith("pulumi:")) {
            return;
        }
        const parent = made?.parent ?? old?.parent ?? "";
        const span = { start: begun.start, end: this.now };
        this.results.push({ urn, type, name: nameOf(urn), parent, outcome, ...span });
    }
}

/** What became of a resource, by the engine's name of the operation. Steps that are only part of another have none. */
const outcomes: Partial<Record<string, Outcome>> = {
    create: "created",
    import: "created",
    same: "unchanged",
    update: "changed",
    "create-replacement": "changed",
    delete: "deleted",
};

function nameOf(urn: string): string {
    return urn.split("::").pop() ?? urn;
}

function parse(line: string): unknown {
    try {
        return parseJson(line);
    } catch {
        // A line that the CLI was killed over.
        return undefined;
    }
}

function isEngineEvent(value: unknown): value is EngineEvent {
    return isObject(value) && typeof value["sequence"] === "number";
}

/** Without the engine's marks for colors, as `<{%fg 1%}>`. */
function plain(message: string): string {
    return message.replace(/<\{%.*?%\}>/g, "").trim();
}

/** The errors that say why: the engine ends with one that only says that there were some. */
export function causes(errors: readonly string[]): string {
    const telling = errors.filter((error) => !/^\S*: ?(update failed|resource .* failed)$|^update failed$/.test(error));
    return (telling.length > 0 ? telling : errors).join("\n");
}
