import * as pulumi from "@pulumi/pulumi";
import { RegisterResourceResponse, type RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import { MockMonitor, type MockCallArgs } from "@pulumi/pulumi/runtime/mocks";
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";
import { isObject, type Json } from "./json";
import { collectRejections } from "./rejections";
import { plainInputs } from "./wire";

/** A resource as the program registered it. */
export interface RecordedResource {
    urn: string;
    /** Type token, as `kubernetes:apps/v1:Deployment`. */
    type: string;
    name: string;
    /** URN of the parent; empty for the stack itself. */
    parent: string;
    /** URNs of everything that the engine waits for before this resource, by option or by an input's value. */
    dependsOn: string[];
    /** The same, by the input that carries the value. */
    propertyDependencies: Record<string, string[]>;
    /** Managed by a provider; a component is not. */
    custom: boolean;
    protect: boolean;
    retainOnDelete: boolean;
    deleteBeforeReplace: boolean;
    ignoreChanges: string[];
    /** The provider's URN and id, as `URN::ID`; empty for components and for default providers. */
    provider: string;
    /** Plain values: secrets unwrapped, what is unknown in a preview left out. */
    inputs: Json;
    /** Where in the inputs the secrets are, as `values.adminPassword`. */
    secretPaths: string[];
}

/** What became of a resource: its id and its outputs. */
export interface ResourceState {
    id: string | undefined;
    state: Json;
}

/** What a program runs with, and who hears of its resources. */
export interface RunOptions {
    /** The program: a function that registers resources and returns the stack's outputs. */
    program: () => unknown;
    project: string;
    stack: string;
    /** Config by full key, objects and lists as JSON. */
    config: Record<string, string>;
    preview?: boolean;
    organization?: string;
    /**
     * Makes a resource. Called in the order in which the program allows it, several at a time.
     * @default - the inputs are the state, as they would be of a resource without computed outputs
     */
    onResource?: (resource: RecordedResource) => Promise<ResourceState | undefined> | ResourceState | undefined;
    /** Answers a provider's function. @default - the arguments are the result */
    onCall?: (call: MockCallArgs) => Json | Promise<Json>;
}

/** What a program did. */
export interface ProgramRun {
    /** In the order of their registration, the stack itself first. */
    resources: RecordedResource[];
    outputs: Json;
}

/**
 * Runs a Pulumi program in this process without an engine: what it registers is recorded and given to `onResource`.
 * Throws the first error, once everything that was under way has ended. One at a time: the SDK's state is global.
 */
export async function runProgram(options: RunOptions): Promise<ProgramRun> {
    const monitor = new RecordingMonitor(options);
    const { project, stack, preview, organization, config } = options;
    pulumi.runtime.setMockOptions(monitor, project, stack, preview, organization ?? "organization");
    pulumi.runtime.setAllConfig(config);
    const { result, rejections } = await collectRejections(async () => {
        const outputs = pulumi.runtime.runInPulumiStack(async () => (await options.program()) ?? {});
        // When a resource fails, outputs that hang on it may never come: the monitor's word decides then.
        const settled = await Promise.race([settle(outputs), monitor.failed]);
        await pulumi.runtime.disconnect();
        return settled;
    });
    const [error] = [...monitor.errors, ...result.errors, ...rejections];
    if (error !== undefined) {
        throw error instanceof Error ? error : new Error("the program failed", { cause: error });
    }
    return { resources: monitor.recorded, outputs: result.outputs };
}

interface Settled {
    outputs: Json;
    errors: unknown[];
}

async function settle(outputs: Promise<unknown>): Promise<Settled> {
    try {
        const value = await outputs;
        return { outputs: isObject(value) ? value : {}, errors: [] };
    } catch (error) {
        return { outputs: {}, errors: [error] };
    }
}

type Callback = (error: unknown, response: RegisterResourceResponse | undefined) => void;

/** The SDK's mock monitor, with what it leaves out: parents, dependencies, options, secrets and true URNs. */
class RecordingMonitor extends MockMonitor {
    readonly recorded: RecordedResource[] = [];
    readonly errors: unknown[] = [];
    /** Settles when the first resource fails. */
    readonly failed: Promise<Settled>;
    private fail: (settled: Settled) => void = () => undefined;

    constructor(private readonly options: RunOptions) {
        super({
            call: (call) => options.onCall?.(call) ?? isObjectOrEmpty(call.inputs),
            newResource: ({ id, inputs }) => ({ id, state: isObjectOrEmpty(inputs) }),
        });
        this.failed = new Promise((resolve) => {
            this.fail = resolve;
        });
    }

    override async registerResource(request: RegisterResourceRequest, callback: Callback): Promise<void> {
        try {
            callback(null, await this.register(request));
        } catch (error) {
            this.errors.push(error);
            this.fail({ outputs: {}, errors: [] });
            callback(error, undefined);
        }
    }

    private async register(request: RegisterResourceRequest): Promise<RegisterResourceResponse> {
        const wire: unknown = request.getObject()?.toJavaScript() ?? {};
        const resource = describe(request, wire, this.options);
        if (this.recorded.some(({ urn }) => urn === resource.urn)) {
            throw new Error(`Duplicate resource URN '${resource.urn}'; try giving it a unique name`);
        }
        this.recorded.push(resource);
        const made = await this.options.onResource?.(resource);
        const id = made ? made.id : this.defaultId(request);
        const state = made ? await onTheWire(made.state, resource) : isObjectOrEmpty(wire);
        this.resources.set(resource.urn, { urn: resource.urn, id: id ?? null, state });
        return new RegisterResourceResponse()
            .setUrn(resource.urn)
            .setId(id ?? "")
            .setObject(Struct.fromJavaScript(toStruct(state)));
    }

    private defaultId(request: RegisterResourceRequest): string | undefined {
        return this.options.preview === true || !request.getCustom() ? undefined : `${request.getName()}-id`;
    }
}

function describe(request: RegisterResourceRequest, wire: unknown, options: RunOptions): RecordedResource {
    const parent = request.getParent();
    const propertyDependencies = [...request.getPropertydependenciesMap().entries()].map(
        ([property, urns]) => [property, urns.getUrnsList()] as const,
    );
    return {
        urn: urnOf(request, parent, options),
        type: request.getType(),
        name: request.getName(),
        parent,
        dependsOn: request.getDependenciesList(),
        propertyDependencies: Object.fromEntries(propertyDependencies),
        custom: request.getCustom(),
        protect: request.getProtect() ?? false,
        retainOnDelete: request.getRetainondelete() ?? false,
        deleteBeforeReplace: request.getDeletebeforereplace(),
        ignoreChanges: request.getIgnorechangesList(),
        provider: request.getProvider(),
        ...plainInputs(wire),
    };
}

/** The URN as the engine forms it: the types of all parents but the stack, then the type. */
function urnOf(request: RegisterResourceRequest, parent: string, { stack, project }: RunOptions): string {
    const parents = parent.split("::")[2];
    const isChild = parents !== undefined && parents !== pulumi.runtime.rootPulumiStackTypeName;
    const type = isChild ? `${parents}$${request.getType()}` : request.getType();
    return `urn:pulumi:${stack}::${project}::${type}::${request.getName()}`;
}

/** Outputs that repeat a secret input stay secret, as with the engine. */
function onTheWire(state: Json, { secretPaths }: RecordedResource): Promise<Json> {
    const secret = new Set(secretPaths.map((path) => path.split(/[.[]/, 1)[0]));
    const marked: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(state)) {
        marked[key] = secret.has(key) ? pulumi.secret(value) : value;
    }
    return pulumi.runtime.serializeProperties("", marked);
}

/** JSON has no undefined: an output without a value is null. */
function toStruct(state: Json): { [key: string]: JavaScriptValue } {
    return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, value ?? null]));
}

function isObjectOrEmpty(value: unknown): Json {
    return isObject(value) ? value : {};
}
