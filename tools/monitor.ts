import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registers it. */
export interface RecordedResource {
    urn: string;
    type: string;
    name: string;
    /** URN of the parent, empty for the stack. */
    parent: string;
    /** URNs of what must exist before it, whether named or carried by an output. */
    dependsOn: string[];
    inputs: Record<string, unknown>;
    /** False for components. */
    custom: boolean;
    protect: boolean;
}

/** What a resource becomes once it is made: its id and its state. */
export interface MadeResource {
    id: string;
    state: Record<string, unknown>;
}

/** A program to run outside of the engine. */
export interface ProgramRun {
    program: () => Record<string, pulumi.Input<unknown>>;
    project: string;
    stack: string;
    /** The stack's config: strings by full key, objects as JSON. */
    config: Record<string, string>;
    preview: boolean;
    /**
     * Makes a resource, once all that it depends on is made.
     * @default - what is asked for is what is made
     */
    onResource?: (resource: RecordedResource) => Promise<MadeResource>;
}

/** What a run has registered, in order, and the program's outputs. */
export interface ProgramResult {
    resources: RecordedResource[];
    outputs: Record<string, unknown>;
}

type Monitor = NonNullable<ReturnType<typeof pulumi.runtime.getMonitor>>;
type RegisterRequest = Parameters<Monitor["registerResource"]>[0];

/**
 * Runs a program under the SDK's mock monitor, which keeps the program's own order: a resource is registered when all
 * that it depends on is made. Throws the first error of the program or of a resource.
 */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
    const recorder = new Recorder(run);
    await pulumi.runtime.setMocks(
        { call: (args) => Promise.resolve(recorder.call(args.inputs)), newResource: () => recorder.make() },
        run.project,
        run.stack,
        run.preview,
    );
    recorder.watch(pulumi.runtime.getMonitor());
    pulumi.runtime.setAllConfig(run.config);

    // The SDK reports a failed resource as a rejection of each output that hangs on it; the first is enough.
    const ignore = (reason: unknown) => recorder.fail(reason);
    process.on("unhandledRejection", ignore);
    try {
        const finished = pulumi.runtime
            .runInPulumiStack(() => Promise.resolve(run.program()))
            .then(async (outputs: unknown) => {
                await pulumi.runtime.disconnect();
                return outputs;
            });
        const outputs: unknown = await Promise.race([finished, recorder.failure]);
        return { resources: recorder.resources, outputs: isRecord(outputs) ? outputs : {} };
    } finally {
        await recorder.settled();
        process.off("unhandledRejection", ignore);
    }
}

class Recorder {
    readonly resources: RecordedResource[] = [];
    readonly failure: Promise<never>;
    fail: (reason: unknown) => void = () => undefined;
    private registering: RegisterRequest | undefined;
    private readonly pending = new Set<Promise<unknown>>();

    constructor(private readonly run: ProgramRun) {
        this.failure = new Promise((_resolve, reject) => {
            this.fail = reject;
        });
        this.failure.catch(() => undefined);
    }

    /** Reads from each registration what the mocks are not told: the parent and the dependencies. */
    watch(monitor: Monitor | undefined): void {
        if (!monitor) {
            throw new Error("The Pulumi SDK has no monitor although mocks are set");
        }
        const register = monitor.registerResource.bind(monitor);
        const watched = (request: RegisterRequest, ...rest: unknown[]): unknown => {
            this.registering = request;
            return Reflect.apply(register, monitor, [request, ...rest]);
        };
        Object.assign(monitor, { registerResource: watched, close: () => undefined });
    }

    call(inputs: unknown): Record<string, unknown> {
        return isRecord(inputs) ? inputs : {};
    }

    /** Called by the mock monitor in the same tick as the registration. */
    async make(): Promise<MadeResource> {
        const request = this.registering;
        if (!request) {
            throw new Error("The mock monitor made a resource that was not registered");
        }
        const resource = this.describe(request);
        this.resources.push(resource);
        const made = (this.run.onResource ?? echo)(resource);
        this.pending.add(made);
        try {
            return await made;
        } catch (error) {
            this.fail(error);
            throw error;
        } finally {
            this.pending.delete(made);
        }
    }

    /** Waits for what is being made, so that a failed run leaves nothing going on behind. */
    async settled(): Promise<void> {
        await Promise.allSettled(this.pending);
    }

    private describe(request: RegisterRequest): RecordedResource {
        const type = request.getType();
        const parent = request.getParent() ?? "";
        const parentType = parent.split("::")[2];
        const qualified = parentType ? `${parentType.split("$").pop() ?? ""}$${type}` : type;
        const inputs: unknown = plain(request.getObject()?.toJavaScript());
        return {
            urn: ["urn:pulumi:" + this.run.stack, this.run.project, qualified, request.getName()].join("::"),
            type,
            name: request.getName(),
            parent,
            dependsOn: request.getDependenciesList(),
            inputs: isRecord(inputs) ? inputs : {},
            custom: request.getCustom() ?? false,
            protect: request.getProtect() ?? false,
        };
    }
}

function echo(resource: RecordedResource): Promise<MadeResource> {
    return Promise.resolve({ id: `${resource.name}-id`, state: resource.inputs });
}

/** The key that marks wrapped values in the engine's protocol, and the value that says "secret". */
const signatureKey = "4dabf18193072939515e22adb298388d";

/** Values as the program wrote them: the wrapping of secrets is taken off. */
function plain(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(plain);
    }
    if (!isRecord(value)) {
        return value;
    }
    return signatureKey in value && "value" in value
        ? plain(value["value"])
        : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
